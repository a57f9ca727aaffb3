import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';
import { createConnectRate } from '../../../ingestion/feed/connect-rate.ts';
import { startFeed } from '../../../ingestion/feed/feed.ts';
import { createPublisher } from '../../../ingestion/feed/publish.ts';
import type { BookEvent, MarketInfo } from '../../../schema/market.ts';
import { type KucoinSim, type KucoinSimOptions, startKucoinSim } from '../../../sim/kucoin/server.ts';
import { createExchangeRest } from '../../../src/platform/exchange/rest.ts';
import { until } from '../../support/until.ts';
import { noProgress, quiet, RememberingBroker } from '../feed/scripted.ts';

const SYMBOL = 'BTC-USDT';

interface Followed {
  sim: KucoinSim;
  log: RememberingBroker;
}

const tests: (() => void)[] = [];

/** A test with a feed of the stand-in's first markets, with short times. */
function followTest(
  name: string,
  { staleMs = 1_500, ...options }: KucoinSimOptions & { staleMs?: number },
  body: (followed: Followed) => Promise<void>,
): void {
  tests.push(() => test(name, { timeout: 40_000 }, run));

  async function run(): Promise<void> {
    const sim = await startKucoinSim({ symbols: [SYMBOL, 'KCS-USDT'], rate: 4, ...options });
    const log = new RememberingBroker();
    const publisher = createPublisher(log.port, 50_000_000, quiet);
    const { weight, perMs } = kucoin.limits.rest;
    const rest = createExchangeRest({ base: sim.restUrl, timeoutMs: 2_000, weight, perMs });
    const { body: list } = await rest.call(kucoin.markets.request, AbortSignal.timeout(2_000));
    const markets: MarketInfo[] = kucoin.markets.parse(list);
    const feed = startFeed({
      ...{ connector: kucoin, markets, ws: sim.wsUrl, rest, publisher, log: quiet, name: 'test' },
      progress: new Map(markets.map(({ symbol }) => [symbol, noProgress()])),
      connectRate: createConnectRate({ count: 100, perMs: 1_000 }),
      held: () => true,
      times: {
        ...{ staleMs, backfillMs: 3 * 60_000, patienceMs: 3_000, repairMs: 300, snapshotMs: 50_000 },
        ...{ overlapMs: 200, readyMs: 2_000 },
      },
    });
    try {
      await until('a book and a trade', () => booksOf(log).length > 0 && tradesOf(log).length > 0);
      await body({ sim, log });
    } finally {
      await feed.stop();
      await publisher.stop(1_000);
      await sim.close();
    }
  }
}

const booksOf = (log: RememberingBroker): BookEvent[] => log.books().filter(({ symbol }) => symbol === SYMBOL);
const tradesOf = (log: RememberingBroker) => log.trades().filter(({ symbol }) => symbol === SYMBOL);

/** Every delta applies to the event before it. */
function assertChain(books: readonly BookEvent[]): void {
  assert.equal(books[0]?.type, 'snapshot');
  for (const [i, event] of books.entries()) {
    assert.equal(event.integrity, 'SEQUENCED');
    if (event.type === 'delta') assert.equal(event.previousSequence, books[i - 1]?.sequence);
  }
}

/** Ids of the trades from the first published on that the exchange made, up to the last published. */
function made({ sim, log }: Followed): string[] {
  const published = tradesOf(log);
  const all = sim.sent(SYMBOL).trades.map(({ sequence }) => sequence);
  return all.slice(all.indexOf(published[0]?.tradeId ?? ''), all.indexOf(published.at(-1)?.tradeId ?? '') + 1);
}

/** Waits until `n` more trades are published. */
const more = (log: RememberingBroker, n: number) => {
  const target = tradesOf(log).length + n;
  return until(`${n} trades`, () => tradesOf(log).length >= target);
};

followTest('a market arrives as the exchange made it', { staleMs: 3_000 }, async (followed) => {
  const { sim, log } = followed;
  await more(log, 20);
  const oracle = new Map(sim.sent(SYMBOL).trades.map((trade) => [trade.sequence, trade]));
  for (const { tradeId, price, quantity, side, eventTime } of tradesOf(log)) {
    const { price: p, size, side: s, time } = oracle.get(tradeId) ?? assert.fail(tradeId);
    assert.deepEqual([price, quantity, side.toLowerCase(), String(eventTime)], [p, size, s, time.slice(0, -6)]);
  }
  assert.deepEqual(
    tradesOf(log).map(({ tradeId }) => tradeId),
    made(followed),
  );
  await until('tickers', () => log.raw().filter((frame) => frame.channel === 'ticker').length >= 2);
  const books = booksOf(log);
  assertChain(books);
  assert.ok(books.length > 50 && books.filter(({ type }) => type === 'snapshot').length <= 2);
  assert.deepEqual(log.dead(), []);
  assert.equal(sim.stats().accepted, 1);
  // the best prices of a reader who followed are those of the exchange at that sequence
  const reply = await fetch(`${sim.restUrl}/api/v1/market/orderbook/level2_20?symbol=${SYMBOL}`);
  const { data } = (await reply.json()) as { data: { sequence: string; bids: string[][] } };
  await until('that sequence', () => booksOf(log).some(({ sequence }) => BigInt(sequence) >= BigInt(data.sequence)));
  const bids = new Map<string, string>();
  for (const event of booksOf(log)) {
    if (BigInt(event.sequence) > BigInt(data.sequence)) break;
    if (event.type === 'snapshot') bids.clear();
    for (const [price, quantity] of event.bids) {
      if (quantity === '0') bids.delete(price);
      else bids.set(price, quantity);
    }
  }
  const top = [...bids].sort((a, b) => Number(b[0]) - Number(a[0])).slice(0, 20);
  assert.deepEqual(top, data.bids);
});

/** A clock that is some seconds before the end of a minute when it is first looked at. */
function beforeMinute(seconds: number): () => number {
  let offset: number | null = null;
  return () => {
    offset ??= 60_000 - (Date.now() % 60_000) - seconds * 1_000;
    return Date.now() + offset;
  };
}

followTest(
  'a minute is closed when the next one begins, as the exchange has it',
  { clock: beforeMinute(4) },
  async (f) => {
    const closed = () => f.log.klines().filter(({ isClosed, symbol }) => isClosed && symbol === SYMBOL);
    await until('the first minute', () => closed().some(({ openTime }) => openTime / 1_000 === minute().start));
    function minute() {
      return f.sim.sent(SYMBOL).candles[0] ?? { start: 0 };
    }
    const kline = closed().find(({ openTime }) => openTime / 1_000 === minute().start);
    const [oracle = assert.fail()] = f.sim.sent(SYMBOL).candles;
    assert.ok(kline);
    const { open, high, low, close, volume, quoteVolume } = kline;
    const { open: o, high: h, low: l, close: c, volume: v, turnover: t } = oracle;
    assert.deepEqual([open, high, low, close, volume, quoteVolume], [o, h, l, c, v, t]);
    // three minutes before it came over REST, oldest first
    const opens = closed().map(({ openTime }) => (openTime / 1_000 - oracle.start) / 60);
    assert.deepEqual(opens.slice(0, 4), [-3, -2, -1, 0]);
  },
);

followTest(
  'a minute whose last frames were lost is corrected over REST',
  { clock: beforeMinute(5) },
  async ({ sim, log }) => {
    await until('the last second', () => sim.now() % 60_000 > 58_800);
    sim.faults.stall('/market/candles');
    const oracle = await until('the minute to end', () => sim.sent(SYMBOL).candles[0]);
    sim.faults.resume();
    const versions = () =>
      log.klines().filter((k) => k.symbol === SYMBOL && k.isClosed && k.openTime === oracle.start * 1_000);
    await until('the right candle', () => versions().at(-1)?.volume === oracle.volume, { timeoutMs: 25_000 });
    const [first, last] = versions();
    assert.ok(first && last && first.volume !== oracle.volume && last.eventTime > first.eventTime);
    assert.deepEqual([last.close, last.quoteVolume], [oracle.close, oracle.turnover]);
  },
);

followTest('a skipped sequence leads to a new snapshot that says so', {}, async ({ sim, log }) => {
  const before = booksOf(log).length;
  sim.faults.skip(`/market/level2:${SYMBOL}`, 1);
  await until('a snapshot after a gap', () => booksOf(log).some(({ gap }) => gap));
  const at = booksOf(log).findIndex(({ gap }) => gap);
  assert.ok(at >= before && booksOf(log)[at]?.type === 'snapshot');
  await until('deltas again', () => booksOf(log).at(-1)?.type === 'delta');
  assertChain(booksOf(log));
  assert.equal(sim.stats().accepted, 1, 'the connection is kept');
  await until('the gap to be told', () =>
    log.status().some((one) => one.channel === 'orderbook' && one.symbol === SYMBOL && one.gaps === 1),
  );
});

followTest('repeated frames are published once, exchanged ones lead to a new snapshot', {}, async (followed) => {
  const { sim, log } = followed;
  sim.faults.duplicate(`/market/match:${SYMBOL}`, 3);
  sim.faults.duplicate(`/market/level2:${SYMBOL}`, 5);
  await more(log, 8);
  assert.deepEqual(
    tradesOf(log).map(({ tradeId }) => tradeId),
    made(followed),
  );
  assert.ok(!booksOf(log).some(({ gap }) => gap));
  sim.faults.reorder(`/market/level2:${SYMBOL}`, 1);
  await until('a snapshot after a gap', () => booksOf(log).some(({ gap }) => gap));
  assertChain(booksOf(log));
});

followTest(
  'after a reset a new token is asked for and the missed trades come from the newest hundred',
  {},
  async (f) => {
    const { sim, log } = f;
    sim.faults.reset();
    await until('a second connection', () => sim.stats().accepted === 2);
    await more(log, 10);
    // late ones come in order of time, so the whole is compared as a set
    assert.deepEqual(
      tradesOf(log)
        .map(({ tradeId }) => tradeId)
        .sort(),
      made(f).sort(),
    );
    await until('a book again', () => booksOf(log).some(({ gap }) => gap));
    assertChain(booksOf(log));
  },
);

followTest('a book topic that falls silent is told as stale and replaced', { staleMs: 600 }, async ({ sim, log }) => {
  sim.faults.stall('/market/level2');
  await until('the book to be stale', () =>
    log.status().some(({ channel, stale, connected }) => channel === 'orderbook' && stale && connected),
  );
  await until('a second connection', () => sim.stats().accepted >= 2);
  sim.faults.resume();
  const count = booksOf(log).length;
  await until('a book again', () => booksOf(log).length > count + 5);
  assertChain(booksOf(log));
});

followTest('a peer that is gone without a word is replaced', { staleMs: 800 }, async ({ sim, log }) => {
  sim.faults.halfOpen();
  await until('a second connection', () => sim.stats().accepted === 2);
  await more(log, 3);
  assert.ok(log.status().some(({ connected, stale }) => !connected && stale));
});

followTest('an error frame ends the connection, and another one is made', {}, async ({ sim, log }) => {
  sim.faults.refuseSessions();
  await until('a second connection', () => sim.stats().accepted === 2);
  await more(log, 3);
});

for (const refusal of [{ status: 429, resetMs: 900 }, { status: 500 }]) {
  followTest(`a snapshot refused with HTTP ${refusal.status} is asked for again`, {}, async ({ sim, log }) => {
    sim.faults.refuseRest({ ...refusal, count: 1, path: 'level2_100' });
    const since = performance.now();
    sim.faults.skip(`/market/level2:${SYMBOL}`, 1);
    await until('a book again', () => booksOf(log).some(({ gap }) => gap));
    // the gateway says in ms when it opens again
    if (refusal.resetMs) assert.ok(performance.now() - since >= refusal.resetMs);
    assertChain(booksOf(log));
  });
}

followTest('a refusal with HTTP 200 is kept and tried again later', {}, async ({ sim, log }) => {
  sim.faults.refuseRest({ status: 200, code: '503000', count: 1, path: 'level2_100' });
  sim.faults.skip(`/market/level2:${SYMBOL}`, 1);
  await until('a book again', () => booksOf(log).some(({ gap }) => gap));
  const bodies = log.raw().filter(({ kind }) => kind === 'response');
  assert.ok(bodies.some(({ bytes }) => bytes.includes('503000')));
  assert.ok(bodies.every(({ endpoint }) => endpoint?.startsWith('/api/v1/market/')));
});

followTest(
  "the server's ping interval is kept",
  { limits: { pingInterval: 600, pingTimeout: 1_200 } },
  async ({ sim, log }) => {
    const from = performance.now();
    await until('several intervals', () => performance.now() - from > 3_500);
    assert.equal(sim.stats().accepted, 1);
    assert.ok(log.raw().filter(({ bytes }) => bytes.includes('"type":"pong"')).length >= 3);
    // the token is in no frame and no body that is kept
    assert.ok(log.raw().every(({ bytes, endpoint }) => !bytes.includes('token') && !endpoint?.includes('bullet')));
  },
);

followTest('a broken frame is kept, dead-lettered and stops nothing', {}, async ({ sim, log }) => {
  sim.faults.malform(`/market/match:${SYMBOL}`);
  await more(log, 3);
  await until('a dead letter', () => log.dead().length === 1);
  assert.equal(log.dead()[0]?.headers?.error, 'not JSON');
  assert.equal(sim.stats().accepted, 1);
});

followTest(
  'an outage longer than the newest hundred trades is told as a gap',
  { rate: 25, symbols: [SYMBOL] },
  async ({ sim, log }) => {
    const before = tradesOf(log).length;
    const back = sim.faults.refuseConnections(2_500);
    sim.faults.reset();
    await back;
    await until('a second connection', () => sim.stats().accepted === 2);
    await more(log, 150);
    const gaps = () => log.status().filter(({ channel, symbol }) => channel === 'trade' && symbol === SYMBOL);
    await until('the gap to be told', () => gaps().some((status) => status.gaps > 0));
    // in the order of time all the same, what could be had of it before what followed
    const times = tradesOf(log).map(({ eventTime }) => eventTime);
    assert.deepEqual(
      times.slice(before),
      times.slice(before).sort((a, b) => a - b),
    );
  },
);

followTest('a token that is refused is asked for again', {}, async ({ sim, log }) => {
  sim.faults.refuseRest({ status: 200, code: '503000', count: 1, path: 'bullet-public' });
  sim.faults.refuseRest({ status: 503, code: '503000', count: 1, path: 'bullet-public' });
  sim.faults.disconnect();
  await until('a second connection', () => sim.stats().accepted === 2);
  await more(log, 3);
});

// each waits for its own exchange most of the time
describe('KuCoin followed', { concurrency: 4 }, () => {
  for (const declare of tests) declare();
});
