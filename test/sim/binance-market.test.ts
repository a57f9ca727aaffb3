import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { connect } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);
const MINUTE = 60_000;

type Levels = [string, string][];
interface Depth {
  E: number;
  U: number;
  u: number;
  b: Levels;
  a: Levels;
}
interface Trade {
  a: number;
  p: string;
  q: string;
  f: number;
  l: number;
  T: number;
  m: boolean;
}
interface Kline {
  E: number;
  k: Record<'o' | 'h' | 'l' | 'c' | 'v' | 'q' | 'V' | 'Q', string> & {
    t: number;
    T: number;
    n: number;
    f: number;
    L: number;
    x: boolean;
  };
}

const units = (text: string) => BigInt(text.replace('.', ''));
const json = async <T>(sim: BinanceSim, path: string) => (await (await fetch(sim.restUrl + path)).json()) as T;
const payloads = <T>(frames: string[], event: string) =>
  frames.map((f) => JSON.parse(f) as T & { e?: string }).filter((p) => p.e === event) as T[];

/** The candle that the trades of one minute make, folded anew from their text. */
function foldTrades(trades: Trade[]) {
  const prices = trades.map((t) => units(t.p));
  const of = (list: Trade[], value: (t: Trade) => bigint) => list.reduce((sum, t) => sum + value(t), 0n);
  const bought = trades.filter((t) => !t.m);
  // price × quantity has sixteen decimals, of which the last eight are zeros
  const quote = (t: Trade) => (units(t.p) * units(t.q)) / 10n ** 8n;
  return {
    o: prices[0],
    h: prices.reduce((x, y) => (x > y ? x : y)),
    l: prices.reduce((x, y) => (x < y ? x : y)),
    c: prices.at(-1),
    v: of(trades, (t) => units(t.q)),
    q: of(trades, quote),
    V: of(bought, (t) => units(t.q)),
    Q: of(bought, quote),
    n: (trades.at(-1)?.l ?? 0) - (trades[0]?.f ?? 0) + 1,
    f: trades[0]?.f,
    L: trades.at(-1)?.l,
  };
}

function spelled(k: Kline['k']) {
  const { o, h, l, c, v, q, V, Q } = k;
  const texts = Object.entries({ o, h, l, c, v, q, V, Q }).map(([name, text]) => [name, units(text)]);
  return { ...Object.fromEntries(texts), n: k.n, f: k.f, L: k.L };
}

describe('the simulated market', () => {
  test('same seed, same frames; another seed, other frames', async () => {
    const run = async (seed: number) => {
      const sim = await startBinanceSim({ symbols: ['BTCUSDT', 'ADAUSDT'], seed, startAt: START });
      const streams = ['aggTrade', 'kline_1m', 'depth@100ms', 'depth', 'ticker'].map((s) => `adausdt@${s}`);
      const client = await connect(`${sim.wsUrl}/stream?streams=${streams.join('/')}/btcusdt@depth@100ms`);
      await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
      sim.advance(45_000);
      await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
      const frames = client.frames.filter((f) => f.startsWith('{"stream"'));
      client.close();
      await sim.close();
      return frames;
    };
    const first = await run(7);
    assert.ok(first.length > 500);
    assert.deepEqual(await run(7), first);
    assert.notDeepEqual(await run(8), first);
  });

  test('a restart with the same seed tells the same past', async () => {
    const first = await startBinanceSim({ symbols: ['XRPUSDT'], startAt: START });
    first.advance(5 * MINUTE);
    const second = await startBinanceSim({ symbols: ['XRPUSDT'], startAt: START + 5 * MINUTE });
    const range = `&startTime=${START - 10 * MINUTE}&endTime=${START + 4 * MINUTE}&limit=1000`;
    for (const path of ['klines?interval=1m&', 'aggTrades?']) {
      const url = `/api/v3/${path}symbol=XRPUSDT${range}`;
      assert.deepEqual(await json(first, url), await json(second, url));
    }
    const book = await json<{ lastUpdateId: number }>(second, '/api/v3/depth?symbol=XRPUSDT');
    assert.ok(book.lastUpdateId >= (first.sent('XRPUSDT').depth.at(-1)?.u ?? 0));
    await first.close();
    await second.close();
  });

  test('candles are exactly their trades, over WebSocket, REST and in the record', async () => {
    const sim = await startBinanceSim({ symbols: ['ETHUSDT'], startAt: START });
    const client = await connect(`${sim.wsUrl}/ws/ethusdt@aggTrade/ethusdt@kline_1m`);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    sim.advance(4 * MINUTE);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
    const trades = payloads<Trade>(client.frames, 'aggTrade');
    const klines = payloads<Kline>(client.frames, 'kline');

    for (let i = 1; i < trades.length; i++) {
      assert.equal(trades[i]?.a, (trades[i - 1]?.a as number) + 1);
      assert.equal(trades[i]?.f, (trades[i - 1]?.l as number) + 1);
    }
    const closed = klines.filter((k) => k.k.x);
    assert.deepEqual(
      closed.map((k) => k.k.t),
      [0, 1, 2, 3].map((i) => START - 30_000 + i * MINUTE),
    );
    for (const { E, k } of closed) {
      assert.ok(E - k.T >= 69 && E - k.T <= 428);
      const rest = await json<Trade[]>(
        sim,
        `/api/v3/aggTrades?symbol=ETHUSDT&startTime=${k.t}&endTime=${k.T}&limit=1000`,
      );
      assert.deepEqual(spelled(k), foldTrades(rest));
      // the first minute was under way when the client came
      if (k.t > START) assert.deepEqual(spelled(k), foldTrades(trades.filter((t) => t.T >= k.t && t.T <= k.T)));
      const [row] = await json<unknown[][]>(sim, `/api/v3/klines?symbol=ETHUSDT&interval=1m&startTime=${k.t}&limit=1`);
      assert.deepEqual(row, [k.t, k.o, k.h, k.l, k.c, k.v, k.T, k.q, k.n, k.V, k.Q, '0']);
    }

    const open = klines.filter((k) => !k.k.x);
    for (const { E, k } of open) {
      const known = trades.filter((t) => t.T >= k.t && t.T < E);
      if (k.t > START) assert.deepEqual(spelled(k), foldTrades(known));
    }
    for (let i = 1; i < open.length; i++) assert.ok((open[i]?.E ?? 0) - (open[i - 1]?.E ?? 0) >= 2_000);

    const sent = sim.sent('ETHUSDT');
    assert.deepEqual(
      sent.trades,
      trades.map(({ a, p, q, f, l, T, m }) => ({ a, p, q, f, l, T, m })),
    );
    assert.deepEqual(
      sent.candles.map((c) => spelled({ ...c, x: true })),
      closed.map((c) => spelled(c.k)),
    );
    assert.equal(sent.dropped, 0);
    await sim.close();
  });

  for (const [stream, every] of [
    ['depth@100ms', 100],
    ['depth', 1_000],
  ] as const) {
    test(`${stream} joins the REST book and folds to it`, async () => {
      const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, rate: 3 });
      const client = await connect(`${sim.wsUrl}/ws/btcusdt@${stream}`);
      await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
      sim.advance(2_350);
      const snapshot = await json<{ lastUpdateId: number; bids: Levels; asks: Levels }>(
        sim,
        '/api/v3/depth?symbol=BTCUSDT&limit=5000',
      );
      sim.advance(90_650);
      const last = await json<typeof snapshot>(sim, '/api/v3/depth?symbol=BTCUSDT&limit=5000');
      await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
      const frames = payloads<Depth>(client.frames, 'depthUpdate');
      assert.ok(frames.length > 0.9 * (93_000 / every));
      for (let i = 1; i < frames.length; i++) {
        assert.equal(frames[i]?.U, (frames[i - 1]?.u as number) + 1);
        assert.equal((frames[i]?.E as number) % every, 0);
      }
      const rest = frames.filter((f) => f.u > snapshot.lastUpdateId);
      const join = rest[0] as Depth;
      assert.ok(rest.length < frames.length);
      assert.ok(join.U <= snapshot.lastUpdateId + 1 && snapshot.lastUpdateId + 1 <= join.u);

      const bids = new Map(snapshot.bids);
      const asks = new Map(snapshot.asks);
      /** Best of a side; null where it went and must be looked for again. */
      const best = new Map<Map<string, string>, bigint | null>();
      const better = (side: Map<string, string>, x: bigint, y: bigint): bigint =>
        (side === bids ? x > y : x < y) ? x : y;
      const bestOf = (side: Map<string, string>): bigint => {
        const known = best.get(side) ?? [...side.keys()].map(units).reduce((x, y) => better(side, x, y));
        best.set(side, known);
        return known;
      };
      for (const frame of rest) {
        for (const [side, changes] of [
          [bids, frame.b],
          [asks, frame.a],
        ] as const) {
          for (const [price, quantity] of changes) {
            const known = best.get(side) ?? null;
            if (Number(quantity) === 0) {
              side.delete(price);
              if (known === units(price)) best.set(side, null);
            } else {
              side.set(price, quantity);
              if (known !== null) best.set(side, better(side, known, units(price)));
            }
          }
        }
        assert.ok(bestOf(bids) < bestOf(asks), 'crossed');
      }
      assert.deepEqual(bids, new Map(last.bids));
      assert.deepEqual(asks, new Map(last.asks));
      if (stream === 'depth@100ms') {
        assert.deepEqual(
          sim.sent('BTCUSDT').depth,
          frames.map(({ U, u, E }) => ({ U, u, E })),
        );
      }
      await sim.close();
    });
  }

  test('tickers come every second and agree with REST', async () => {
    const sim = await startBinanceSim({ symbols: ['SOLUSDT'], startAt: START });
    const client = await connect(`${sim.wsUrl}/ws/solusdt@ticker`);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    sim.advance(10_000);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
    const tickers = payloads<Record<string, unknown>>(client.frames, '24hrTicker');
    assert.equal(tickers.length, 10);
    const rows = await json<string[][]>(
      sim,
      `/api/v3/klines?symbol=SOLUSDT&interval=1m&startTime=${START - 30_000 - 1_440 * MINUTE}&limit=1000`,
    );
    assert.equal(tickers[9]?.o, rows[0]?.[1]);
    const rest = await json<Record<string, unknown>>(sim, '/api/v3/ticker/24hr?symbol=SOLUSDT');
    assert.equal(rest.openPrice, tickers[9]?.o);
    assert.equal(rest.prevClosePrice, tickers[9]?.x);
    await sim.close();
  });

  test('a minute without a trade has a REST candle but no frame', async () => {
    const sim = await startBinanceSim({ symbols: ['ETCUSDT'], startAt: START, rate: 0.005 });
    const client = await connect(`${sim.wsUrl}/ws/etcusdt@kline_1m/etcusdt@aggTrade`);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    sim.advance(60 * MINUTE);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
    const { candles, trades } = sim.sent('ETCUSDT');
    const quiet = candles.filter((c) => c.n === 0);
    assert.ok(quiet.length > 30 && trades.length > 0);
    const framed = new Set(payloads<Kline>(client.frames, 'kline').map((k) => k.k.t));
    for (const candle of candles) assert.equal(framed.has(candle.t), candle.n > 0);
    const rows = await json<unknown[][]>(sim, `/api/v3/klines?symbol=ETCUSDT&interval=1m&startTime=${START}`);
    for (const row of rows)
      if (row[8] === 0) assert.deepEqual([row[1], row[2], row[3], row[5]], [row[4], row[4], row[4], '0.00000000']);
    await sim.close();
  });

  test('rate and number of markets scale', async () => {
    const sim = await startBinanceSim({ symbols: 40, startAt: START, rate: 50 });
    assert.equal(new Set(sim.symbols).size, 40);
    sim.advance(2_000);
    const counts = sim.symbols.map((s) => sim.sent(s).trades.length);
    assert.ok(counts.every((n) => n > 5));
    assert.ok(counts.reduce((x, y) => x + y) > 40 * 50);
    const trades = sim.sent(sim.symbols[39] as string).trades;
    for (let i = 1; i < trades.length; i++) assert.equal(trades[i]?.a, (trades[i - 1]?.a as number) + 1);
    const history = await json<{ a: number }[]>(
      sim,
      `/api/v3/aggTrades?symbol=BTCUSDT&fromId=${(sim.sent('BTCUSDT').trades[0]?.a as number) - 900}&limit=1000`,
    );
    for (const [i, t] of history.entries()) assert.equal(t.a, (history[0]?.a as number) + i);
    assert.equal(history.length, 1_000);
    await sim.close();
  });

  test('the record is bounded and says what it dropped', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, recordLimit: 100 });
    sim.advance(10 * MINUTE);
    const sent = sim.sent('BTCUSDT');
    assert.ok(sent.depth.length < 400 && sent.trades.length < 400);
    assert.ok(sent.dropped > 1_000);
    await sim.close();
  });
});
