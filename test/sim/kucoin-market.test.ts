import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBinanceSim } from '../../sim/binance/server.ts';
import { type KucoinSim, startKucoinSim } from '../../sim/kucoin/server.ts';
import { connect } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);
const MINUTE = 60_000;

interface Frame {
  topic: string;
  subject: string;
  /** The text of its data: numbers beyond 2^53 stay what they are. */
  data: string;
}
interface Level2 {
  changes: { asks: [string, string, string][]; bids: [string, string, string][] };
  sequenceStart: number;
  sequenceEnd: number;
  time: number;
}

/** Follows all topics of BTC-USDT while `ms` pass; gives the frames in order. */
async function follow(sim: KucoinSim, ms: number): Promise<Frame[]> {
  const reply = await fetch(`${sim.restUrl}/api/v1/bullet-public`, { method: 'POST' });
  const { data } = (await reply.json()) as { data: { token: string } };
  const client = await connect(`${sim.wsUrl}/?token=${encodeURIComponent(data.token)}&connectId=x`);
  await client.until((frames) => frames.length === 1);
  for (const topic of [
    'candles:BTC-USDT_1min',
    'match:BTC-USDT',
    'level2:BTC-USDT',
    'snapshot:BTC-USDT',
    'ticker:BTC-USDT',
  ]) {
    client.socket.send(JSON.stringify({ id: topic, type: 'subscribe', topic: `/market/${topic}`, response: true }));
  }
  await client.until((frames) => frames.length === 6);
  sim.advance(ms);
  client.socket.send('{"id":"last","type":"ping"}');
  await client.until((frames) => frames.at(-1)?.includes('pong') ?? false);
  client.close();
  const shape = /^\{"topic":"([^"]+)","type":"message","subject":"([^"]+)","data":(.*)\}$/;
  return client.frames.slice(6, -1).map((frame) => {
    const [, topic = '', subject = '', text = ''] = shape.exec(frame) ?? assert.fail(frame);
    return { topic, subject, data: text };
  });
}

async function get<T>(sim: KucoinSim, path: string): Promise<T> {
  const { code, data } = JSON.parse(await (await fetch(`${sim.restUrl}/api/${path}`)).text()) as {
    code: string;
    data: T;
  };
  assert.equal(code, '200000', path);
  return data;
}

describe('a market followed for two minutes', () => {
  let sim: KucoinSim;
  let frames: Frame[];
  let book: { sequence: string; bids: [string, string][]; asks: [string, string][] };
  const of = (subject: RegExp) => frames.filter((frame) => subject.test(frame.subject));

  before(async () => {
    sim = await startKucoinSim({ startAt: START, rate: 2 });
    book = await get(sim, 'v1/market/orderbook/level2_100?symbol=BTC-USDT');
    frames = await follow(sim, 2 * MINUTE);
  });
  after(() => sim.close());

  test('level2: every number is told once and in order, joins the snapshot and never crosses', async () => {
    const sides = { bids: new Map(book.bids), asks: new Map(book.asks) };
    const better = { bids: Math.max, asks: Math.min };
    /** Best price of each side; null where it went and must be looked for again. */
    const best: Record<'bids' | 'asks', number | null> = { bids: null, asks: null };
    const bestOf = (side: 'bids' | 'asks'): number => {
      best[side] ??= better[side](...[...sides[side].keys()].map(Number));
      return best[side];
    };
    let sequence = Number(book.sequence);
    const kinds = { hidden: 0, removed: 0, several: 0, single: 0 };
    const updates = of(/l2update/).map(({ data }) => JSON.parse(data) as Level2);
    for (const { changes, sequenceStart, sequenceEnd } of updates) {
      assert.equal(sequenceStart, sequence + 1);
      const numbers = [...changes.asks, ...changes.bids].map(([, , own]) => Number(own));
      assert.ok(numbers.every((own) => own >= sequenceStart && own <= sequenceEnd) && numbers.includes(sequenceEnd));
      for (const side of ['bids', 'asks'] as const) {
        for (const [price, size] of changes[side]) {
          if (price === '0') kinds.hidden++;
          else if (size === '0') {
            kinds.removed++;
            sides[side].delete(price);
            if (best[side] === Number(price)) best[side] = null;
          } else {
            sides[side].set(price, size);
            if (best[side] !== null) best[side] = better[side](best[side], Number(price));
          }
        }
      }
      kinds[sequenceEnd > sequenceStart ? 'several' : 'single']++;
      sequence = sequenceEnd;
      const [bid, ask] = [bestOf('bids'), bestOf('asks')];
      assert.ok(bid < ask, `${bid} ${ask} at ${sequence}`);
    }
    for (const [kind, count] of Object.entries(kinds)) assert.ok(count > 20, `${kind}: ${count}`);
    const now = await get<typeof book>(sim, 'v1/market/orderbook/level2_20?symbol=BTC-USDT');
    assert.equal(Number(now.sequence), sequence);
    assert.equal(now.bids.length, 20);
    const top = [...sides.bids].sort((a, b) => Number(b[0]) - Number(a[0])).slice(0, 20);
    assert.deepEqual(top, now.bids);
    assert.deepEqual(
      updates.map(({ sequenceStart, sequenceEnd, time }) => ({ sequenceStart, sequenceEnd, time })),
      sim.sent('BTC-USDT').updates,
    );
  });

  test('match: ids beyond 2^53 that grow by more than one, times in ns, all as text', async () => {
    const told = of(/l3match/).map(({ data }) => JSON.parse(data) as Record<string, string>);
    assert.deepEqual(
      told.map(({ sequence, price, size, side, time }) => ({ sequence, price, size, side, time })),
      sim.sent('BTC-USDT').trades,
    );
    const ids = told.map(({ sequence = '', tradeId = '' }) => {
      assert.equal(sequence, tradeId);
      return BigInt(sequence);
    });
    assert.ok(ids.every((id, i) => id > 2n ** 53n && (i === 0 || id > (ids[i - 1] as bigint))));
    assert.ok((ids.at(-1) as bigint) - (ids[0] as bigint) > ids.length);
    for (const { time = '' } of told) assert.match(time, /^17676[0-9]{14}$/);
    // REST: the newest hundred, oldest first, the time a bare number in ns
    const text = await (await fetch(`${sim.restUrl}/api/v1/market/histories?symbol=BTC-USDT`)).text();
    const rows = [...text.matchAll(/"sequence":"([0-9]+)"[^}]*"time":([0-9]{19})\}/g)].map(([, id, time]) => [
      id,
      time,
    ]);
    assert.deepEqual(
      rows,
      told.slice(-100).map(({ sequence, time }) => [sequence, time]),
    );
  });

  test('candles: column order, seconds as text, ns as a bare number, add before update', async () => {
    const bars = of(/candles/).map(({ subject, data }) => {
      const [, ns = ''] = /"time":([0-9]+)\}$/.exec(data) ?? [];
      assert.equal(ns.length, 19);
      const { candles } = JSON.parse(data) as { candles: string[] };
      return { subject, ns, start: Number(candles[0]), candles };
    });
    const starts = [...new Set(bars.map(({ start }) => start))];
    assert.deepEqual(
      starts.map((start) => start % 60),
      starts.map(() => 0),
    );
    for (const start of starts) {
      const own = bars.filter((bar) => bar.start === start);
      assert.deepEqual(
        own.map(({ subject }) => subject === 'trade.candles.add'),
        own.map((_, i) => i === 0),
      );
    }
    const rows = await get<string[][]>(sim, 'v1/market/candles?symbol=BTC-USDT&type=1min&startAt=1767614400');
    for (const { start, open, close, high, low, volume, turnover } of sim.sent('BTC-USDT').candles) {
      const row = [String(start), open, close, high, low, volume, turnover];
      // the stream's last frame of a bar is what REST has
      assert.deepEqual(bars.filter((bar) => bar.start === start).at(-1)?.candles, row);
      assert.deepEqual(
        rows.find(([at]) => at === String(start)),
        row,
      );
      assert.ok(
        Number(low) <= Math.min(Number(open), Number(close)) && Math.max(Number(open), Number(close)) <= Number(high),
      );
    }
    assert.deepEqual(
      rows.map(([at]) => Number(at)),
      rows.map(([at]) => Number(at)).sort((a, b) => b - a),
      'newest first',
    );
  });

  test('snapshot: every 2 s, 24 hours in JSON numbers with their zeros; stats say the same as text', async () => {
    const snapshots = of(/snapshot/);
    assert.equal(snapshots.length, 60);
    const last = snapshots.at(-1)?.data ?? '';
    assert.match(last, /"open":[0-9]+\.[0-9]{20},/);
    const { data } = JSON.parse(last) as { data: Record<string, number | string> };
    const stats = await get<Record<string, string>>(sim, 'v1/market/stats?symbol=BTC-USDT');
    for (const name of ['high', 'low', 'vol', 'volValue', 'changeRate']) assert.equal(Number(stats[name]), data[name]);
    assert.equal(data.lastTradedPrice, Number(stats.last));
    assert.ok(of(/^trade\.ticker$/).length > 100);
  });
});

test('the same seed gives the same frames, another one others', async () => {
  const runs: Frame[][] = [];
  for (const seed of [5, 5, 6]) {
    const sim = await startKucoinSim({ startAt: START, seed, symbols: ['BTC-USDT'] });
    runs.push(await follow(sim, 20_000));
    await sim.close();
  }
  assert.deepEqual(runs[0], runs[1]);
  assert.notDeepEqual(runs[0], runs[2]);
});

test('prices keep close to those of another exchange with the same seed, and are not the same', async () => {
  const kucoin = await startKucoinSim({ startAt: START, seed: 9 });
  const binance = await startBinanceSim({ startAt: START, seed: 9, symbols: 12 });
  try {
    const gaps: number[] = [];
    for (const base of ['BTC', 'ETH', 'XRP', 'SOL', 'DOGE']) {
      const { last } = await get<{ last: string }>(kucoin, `v1/market/stats?symbol=${base}-USDT`);
      const reply = await fetch(`${binance.restUrl}/api/v3/ticker/24hr?symbol=${base}USDT`);
      const { lastPrice } = (await reply.json()) as { lastPrice: string };
      gaps.push(Number(last) / Number(lastPrice) - 1);
    }
    assert.ok(
      gaps.every((gap) => Math.abs(gap) < 0.02),
      String(gaps),
    );
    assert.ok(
      gaps.some((gap) => Math.abs(gap) > 0.0001),
      String(gaps),
    );
  } finally {
    await Promise.all([kucoin.close(), binance.close()]);
  }
});

describe('REST', () => {
  let sim: KucoinSim;
  before(async () => {
    sim = await startKucoinSim({ startAt: START, weightLimit: 300 });
  });
  after(() => sim.close());
  const call = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(`${sim.restUrl}/api/${path}`, init);
    return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Record<string, unknown> };
  };

  test('the list of symbols has increments and the state of trading', async () => {
    const rows = await get<Record<string, unknown>[]>(sim, 'v2/symbols');
    assert.deepEqual(
      rows.map(({ symbol, priceIncrement, baseIncrement, enableTrading }) => [
        symbol,
        priceIncrement,
        baseIncrement,
        enableTrading,
      ]),
      [
        ['BTC-USDT', '0.1', '0.00000001', true],
        ['ETH-USDT', '0.01', '0.0000001', true],
        ['XRP-USDT', '0.00001', '0.0001', true],
        ['SOL-USDT', '0.001', '0.0001', true],
        ['DOGE-USDT', '0.00001', '0.0001', true],
        ['KCS-USDT', '0.001', '0.0001', true],
      ],
    );
  });

  test('errors come with HTTP 200 and a code', async () => {
    const refused = async (path: string) => {
      const { status, body } = await call(path);
      return [status, body.code];
    };
    assert.deepEqual(await refused('v1/market/candles?symbol=BTC-USDT&type=2min'), [200, '400100']);
    assert.deepEqual(await refused('v1/market/candles?type=1min'), [200, '400100']);
    assert.deepEqual(await refused('v1/market/candles?symbol=BTC-USDT&type=1min&startAt=x'), [200, '400100']);
    assert.deepEqual(await refused('v1/market/histories?symbol=XXX-USDT'), [200, '900001']);
    assert.deepEqual(await refused('v1/nothing'), [404, '404000']);
    assert.deepEqual(await refused('v1/bullet-public'), [405, '400100']);
    // all of a book takes a key
    assert.deepEqual(await refused('v3/market/orderbook/level2?symbol=BTC-USDT'), [401, '400001']);
  });

  test('candles: at most 1,500, newest first, both ends included', async () => {
    const span = 'startAt=1767528000&endAt=1767614400';
    assert.equal(
      (await get<string[][]>(sim, `v1/market/candles?symbol=BTC-USDT&type=1min&startAt=1767009600`)).length,
      1_500,
    );
    const hours = await get<string[][]>(sim, `v1/market/candles?symbol=BTC-USDT&type=1hour&${span}`);
    assert.deepEqual([hours.length, hours[0]?.[0], hours.at(-1)?.[0]], [25, '1767614400', '1767528000']);
  });

  test('beyond the pool of 30 s there is HTTP 429 with code 429000; the headers say how long', async () => {
    let last = await call('v1/market/stats?symbol=BTC-USDT');
    assert.equal(last.headers.get('gw-ratelimit-limit'), '300');
    for (let n = 0; n < 30 && last.status === 200; n++) last = await call('v1/market/stats?symbol=BTC-USDT');
    assert.deepEqual([last.status, last.body.code], [429, '429000']);
    assert.equal(last.headers.get('gw-ratelimit-remaining'), '0');
    const reset = Number(last.headers.get('gw-ratelimit-reset'));
    assert.ok(reset > 0 && reset <= 30_000, `${reset}`);
    assert.equal(last.headers.get('retry-after'), null);
  });
});

test('minutes without a trade have no candle over REST', async () => {
  const sim = await startKucoinSim({ startAt: START, rate: 0.01, symbols: ['KCS-USDT'] });
  const rows = await get<string[][]>(sim, 'v1/market/candles?symbol=KCS-USDT&type=1min&startAt=1767609000');
  assert.ok(rows.length > 5 && rows.length < 60, `${rows.length} of 90`);
  assert.ok(rows.every(([, , , , , volume]) => Number(volume) > 0));
  await sim.close();
});
