import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import { until } from '../../support/until.ts';
import { type Scripted, startScripted } from './scripted.ts';

type Options = NonNullable<Parameters<typeof startScripted>[0]>;

function faultTest(name: string, options: Options, body: (scripted: Scripted) => Promise<void>): void {
  test(name, { timeout: 30_000 }, async () => {
    const scripted = await startScripted(options);
    try {
      await body(scripted);
    } finally {
      await scripted.stop();
    }
  });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const connected = (s: Scripted, count = 1) => until(`${count} connections`, () => s.exchange.open.length === count);

faultTest('a silent connection is told as stale and replaced', { times: { staleMs: 400 } }, async (s) => {
  await connected(s);
  s.exchange.trade(1);
  await until('a second connection', () => s.exchange.connectedAt.length >= 2);
  await until('the old one to be gone', () => s.exchange.open.length === 1);
  const lost = s.log.status().filter((one) => !one.connected);
  assert.ok(lost.length >= 4 && lost.every((one) => one.stale));
  s.exchange.trade(2, { missed: true });
  await until('what was missed', () => s.log.tradeIds().includes(2));
  const [first, second = 0] = s.exchange.connectedAt as [number, number];
  assert.ok(second - first >= 400, 'not before the bound');
});

faultTest(
  'a market that falls silent while others speak is given one new connection',
  { times: { staleMs: 300 } },
  async (s) => {
    await connected(s);
    // trades and candles flow, the book and the ticker do not
    let id = 0;
    const flow = setInterval(() => s.exchange.trade(++id), 40);
    try {
      await until('book and ticker to be stale', () => {
        const stale = new Set(
          s.log
            .status()
            .filter((one) => one.stale && one.connected)
            .map((one) => one.channel),
        );
        return stale.has('orderbook') && stale.has('ticker') && !stale.has('trade');
      });
      await until('a changeover', () => s.exchange.connectedAt.length === 2);
      await until('the older connection to be closed', () => s.exchange.open.length === 1);
    } finally {
      clearInterval(flow);
    }
    await until('every trade', () => s.log.trades().length === id);
    assert.deepEqual(s.log.tradeIds(), range(1, id));
  },
);

faultTest('a quiet trade channel is not stale while the market is heard of', { times: { staleMs: 300 } }, async (s) => {
  await connected(s);
  s.exchange.depth(101, 101);
  let u = 101;
  const flow = setInterval(() => {
    u++;
    s.exchange.depth(u, u);
    s.exchange.ticker();
  }, 40);
  try {
    await until('a second of it', () => u > 130);
  } finally {
    clearInterval(flow);
  }
  assert.equal(s.exchange.connectedAt.length, 1);
  assert.deepEqual(
    s.log.status().filter((one) => one.stale && one.connected),
    [],
  );
});

faultTest(
  'a refused handshake is tried again, but not before its Retry-After',
  {
    prepare(exchange) {
      exchange.refuseUpgrade = { status: 429, retryAfter: 1 };
    },
  },
  async (s) => {
    await until('an attempt', () => s.exchange.connectedAt.length === 1);
    s.exchange.refuseUpgrade = null;
    await connected(s);
    const [first = 0, second = 0] = s.exchange.connectedAt;
    assert.ok(second - first >= 1_000, `${second - first} ms`);
  },
);

faultTest('a 429 silences REST for as long as it says', {}, async (s) => {
  let refusedAt = 0;
  s.exchange.refuse = (path) => {
    if (refusedAt > 0 || !path.includes('depth')) return null;
    refusedAt = performance.now();
    return { status: 429, retryAfter: 1 };
  };
  await until('the refusal', () => refusedAt > 0);
  const before = s.exchange.requests.length;
  s.exchange.depth(101, 101);
  s.exchange.trade(1);
  await until('the book', () => s.log.books().length === 1);
  assert.ok(performance.now() - refusedAt >= 1_000);
  assert.ok(before <= 3 && s.exchange.requests.length <= 4, 'no storm of requests');
  // the refusal's own body is kept too
  assert.ok(s.log.raw().some((frame) => frame.kind === 'response' && frame.bytes.includes('-1003')));
});

for (const announced of [true, false]) {
  const name = announced ? 'an announced shutdown' : "the end of a connection's lifetime";
  faultTest(
    `${name} leads to a changeover that loses and repeats nothing`,
    announced ? {} : { connector: { limits: { ...binance.limits, lifetimeMs: 600 } } },
    async (s) => {
      await connected(s);
      let id = 0;
      let u = 100;
      const happen = (): void => {
        id++;
        s.exchange.now += 20;
        s.exchange.trade(id);
        s.exchange.depth(u + 1, u + 3, [['9', String(id)]]);
        u += 3;
        if (id % 5 === 0) s.exchange.ticker(String(id));
      };
      const flow = setInterval(happen, 15);
      try {
        await until('a book', () => s.log.books().length > 0);
        if (announced) s.exchange.send('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1732147205000}}');
        await connected(s, 2);
        await connected(s, 1);
        const since = id;
        await until('the stream to go on', () => id > since + 20);
      } finally {
        clearInterval(flow);
      }
      await until('every trade', () => s.log.trades().length >= id);
      assert.deepEqual(s.log.tradeIds(), range(1, id));
      const books = s.log.books();
      assert.equal(books[0]?.type, 'snapshot');
      for (let i = 1; i < books.length; i++) {
        assert.equal(books[i]?.type, 'delta', 'the book is not fetched again');
        assert.equal(books[i]?.previousSequence, books[i - 1]?.sequence);
      }
      assert.equal(s.exchange.requests.filter((path) => path.includes('aggTrades')).length, 0);
    },
  );
}

faultTest('while the log is away events wait, then go out once more in order', {}, async (s) => {
  await connected(s);
  s.exchange.trade(1);
  await until('the first', () => s.log.trades().length === 1);
  // written, but told as failed: the worst case of an unknown outcome
  s.log.down = true;
  s.log.keeps = true;
  s.exchange.trade(2);
  await until('a repeat', () => s.log.tradeIds().filter((one) => one === 2).length >= 2);
  s.log.keeps = false;
  for (const id of range(3, 50)) s.exchange.trade(id);
  s.log.down = false;
  await until('everything', () => s.log.tradeIds().includes(50));
  const first = [...new Set(s.log.tradeIds())];
  assert.deepEqual(first, range(1, 50));
  assert.equal(s.exchange.connectedAt.length, 1);
});

faultTest(
  'when too much waits the connection is closed until the log is back; nothing is lost',
  { maxBytes: 60_000 },
  async (s) => {
    await connected(s);
    s.exchange.trade(1);
    await until('the first', () => s.log.trades().length === 1);
    s.log.down = true;
    let id = 1;
    await until('the connection to be closed', () => {
      for (let i = 0; i < 20; i++) s.exchange.trade(++id);
      return s.exchange.open.length === 0;
    });
    for (let i = 0; i < 3_000; i++) s.exchange.trade(++id);
    const attempts = s.exchange.connectedAt.length;
    assert.ok(s.publisher.isFull());
    await new Promise((done) => setTimeout(done, 700));
    assert.equal(s.exchange.connectedAt.length, attempts, 'nobody connects while there is no room');
    s.log.down = false;
    await until('everything', () => s.log.tradeIds().at(-1) === id);
    assert.deepEqual([...new Set(s.log.tradeIds())], range(1, id));
    // status has a queue of its own, which may try again a little later than that of the trades
    await until('the cut to be told', () => s.log.status().some((one) => one.stale && !one.connected));
  },
);

faultTest('a holder that lost its lease publishes nothing', {}, async (s) => {
  await connected(s);
  s.exchange.trade(1);
  await until('the first', () => s.log.trades().length === 1);
  s.lease.held = false;
  s.exchange.trade(2);
  await until(
    'the frame to have arrived',
    async () => (await s.publisher.flush(1_000)) && s.exchange.open.length === 1,
  );
  s.feed.drop(['BTC-USDT']);
  assert.deepEqual(s.feed.symbols(), []);
  s.lease.held = true;
  s.exchange.trade(3);
  await s.publisher.flush(1_000);
  assert.deepEqual(s.log.tradeIds(), [1]);
});

faultTest('stopping takes little time and hands over what was received', {}, async (s) => {
  await connected(s);
  for (const id of range(1, 500)) s.exchange.trade(id);
  await until('the first', () => s.log.trades().length > 0);
  await until('all received', () => s.log.raw().length >= 500);
  const from = performance.now();
  await s.feed.stop();
  assert.ok(await s.publisher.flush(1_000));
  assert.ok(performance.now() - from < 1_500);
  assert.deepEqual(s.log.tradeIds(), range(1, 500));
});
