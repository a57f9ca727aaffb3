import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { mergeRecording, readCapture, readCaptureMeta } from '../support/fixtures.ts';
import { connect, type StreamClient } from './stream-client.ts';

type Levels = [string, string][];
interface Update {
  s: string;
  U: number;
  u: number;
  b: Levels;
  a: Levels;
}
interface Snapshot {
  lastUpdateId: number;
  bids: Levels;
  asks: Levels;
}

const CHANNELS = ['aggTrade', 'depth_100ms', 'kline_1m'];
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'DOTUSDT'];

function snapshots(day: string) {
  const name = `binance.rest.depth_snapshot.${day}`;
  const urls = readCaptureMeta(name);
  return readCapture(name).map(({ line }, i) => ({
    line,
    symbol: new URL(urls[i]?.[0] as string).searchParams.get('symbol') as string,
  }));
}

function recordingOf(day: string, channels: string[]) {
  return { frames: mergeRecording(channels.map((c) => `binance.ws.${c}.${day}`)), snapshots: snapshots(day) };
}

/** The book of `symbol` after the snapshot and all frames that follow it. */
function fold(
  snapshot: Snapshot,
  frames: string[],
  symbol: string,
): { bids: Map<string, string>; asks: Map<string, string> } {
  const book = { bids: new Map(snapshot.bids), asks: new Map(snapshot.asks) };
  let id = snapshot.lastUpdateId;
  for (const frame of frames) {
    const { data } = JSON.parse(frame) as { data: Update & { e: string } };
    if (data.e !== 'depthUpdate' || data.s !== symbol || data.u <= id) continue;
    assert.ok(data.U <= id + 1, `${symbol}: ${data.U} does not follow ${id}`);
    id = data.u;
    for (const [side, changes] of [
      [book.bids, data.b],
      [book.asks, data.a],
    ] as const) {
      for (const [price, quantity] of changes) {
        if (Number(quantity) === 0) side.delete(price);
        else side.set(price, quantity);
      }
    }
  }
  return book;
}

const all = (recording: { frames: { line: string }[] }) => recording.frames.map((f) => f.line);
const streamsOf = (lines: string[]) => [...new Set(lines.map((l) => (JSON.parse(l) as { stream: string }).stream))];
const received = (client: StreamClient) => client.frames.filter((f) => f.startsWith('{"stream"'));
const text = async (sim: BinanceSim, path: string) => (await fetch(sim.restUrl + path)).text();

describe('a recording', () => {
  for (const [day, channels] of [
    ['20210404', CHANNELS],
    ['20211011', [...CHANNELS, 'bookTicker']],
  ] as const) {
    test(`${day}: every frame arrives byte for byte, in the order of arrival`, async () => {
      const recording = recordingOf(day, [...channels]);
      const lines = all(recording);
      const sim = await startBinanceSim({ recording: { ...recording, speed: 'stepped' } });
      const client = await connect(`${sim.wsUrl}/stream?streams=${streamsOf(lines).join('/')}`);
      await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
      assert.deepEqual(sim.recording?.step(10), lines.slice(0, 10));
      sim.recording?.step(lines.length);
      await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
      assert.deepEqual(received(client), lines);
      await sim.recording?.done;
      await sim.close();
    });
  }

  test('a raw connection gets the payload alone', async () => {
    const recording = recordingOf('20211011', CHANNELS);
    const sim = await startBinanceSim({ recording: { ...recording, speed: 'stepped' } });
    const client = await connect(`${sim.wsUrl}/ws/lrcbtc@aggTrade`);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    sim.recording?.step(1_000);
    await client.until((f) => f.length === 2);
    const line = all(recording).find((l) => l.startsWith('{"stream":"lrcbtc@aggTrade"')) as string;
    assert.equal(`{"stream":"lrcbtc@aggTrade","data":${client.frames[1]}}`, line);
    await sim.close();
  });

  test('played fast: a client that buffers, then fetches, gets the captured snapshots and joins', async () => {
    const recording = recordingOf('20210404', CHANNELS);
    const lines = all(recording);
    const sim = await startBinanceSim({ recording: { ...recording, speed: 100, settleMs: 20 } });
    const client = await connect(`${sim.wsUrl}/stream?streams=${streamsOf(lines).join('/')}`);
    for (const symbol of SYMBOLS) {
      await client.until((f) => f.some((x) => x.includes(`"e":"depthUpdate"`) && x.includes(`"s":"${symbol}"`)));
    }
    const bodies = new Map<string, string>();
    for (const symbol of SYMBOLS) bodies.set(symbol, await text(sim, `/api/v3/depth?symbol=${symbol}&limit=5000`));
    for (const { symbol, line } of recording.snapshots) assert.equal(bodies.get(symbol), line);
    await sim.recording?.done;
    await client.until(() => received(client).length === lines.length);
    assert.deepEqual(received(client), lines);

    for (const symbol of SYMBOLS) {
      const book = fold(JSON.parse(bodies.get(symbol) as string), received(client), symbol);
      const last = JSON.parse(await text(sim, `/api/v3/depth?symbol=${symbol}&limit=5000`)) as Snapshot;
      assert.deepEqual(book, { bids: new Map(last.bids), asks: new Map(last.asks) });
      const sorted = (side: Levels) => side.map(([p]) => Number(p));
      assert.deepEqual(
        sorted(last.bids),
        sorted(last.bids).toSorted((a, b) => b - a),
      );
      assert.ok(Number(last.bids[0]?.[0]) < Number(last.asks[0]?.[0]));
    }
    await sim.close();
  });

  test('a client that comes later gets a snapshot it can join with', async () => {
    const recording = recordingOf('20210404', CHANNELS);
    const sim = await startBinanceSim({ recording: { ...recording, speed: 'stepped' } });
    sim.recording?.step(2_000);
    const client = await connect(`${sim.wsUrl}/stream?streams=btcusdt@depth@100ms`);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    sim.recording?.step(100);
    const body = JSON.parse(await text(sim, '/api/v3/depth?symbol=BTCUSDT&limit=1000')) as Snapshot;
    sim.recording?.step(5_000);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
    assert.ok(received(client).some((f) => (JSON.parse(f) as { data: Update }).data.u <= body.lastUpdateId));
    fold(body, received(client), 'BTCUSDT');
    await sim.close();
  });

  test('a snapshot nobody fetches holds the replay for a bounded time only', async () => {
    const recording = recordingOf('20211011', CHANNELS);
    const options = { ...recording, speed: 1_000, settleMs: 5, snapshotWaitMs: 50 };
    const sim = await startBinanceSim({ recording: options });
    await connect(`${sim.wsUrl}/stream?streams=nknusdt@depth@100ms/lrcbtc@depth@100ms`);
    await sim.recording?.done;
    await sim.close();
  });

  test('REST tells the trades and candles replayed so far', async () => {
    const recording = recordingOf('20210404', CHANNELS);
    const [info] = readCapture('binance.rest.exchangeInfo_trimmed.20211011');
    const sim = await startBinanceSim({ recording: { ...recording, exchangeInfo: info?.line, speed: 'stepped' } });
    assert.equal(await text(sim, '/api/v3/aggTrades?symbol=BTCUSDT'), '[]');
    sim.recording?.step(5_000);
    type T = { a: number; T: number };
    const trades = JSON.parse(await text(sim, '/api/v3/aggTrades?symbol=BTCUSDT&fromId=665077000&limit=3')) as T[];
    assert.deepEqual(
      trades.map((t) => t.a),
      [665077000, 665077001, 665077002],
    );
    const klines = JSON.parse(await text(sim, '/api/v3/klines?symbol=BTCUSDT&interval=1m')) as unknown[][];
    const closed = recording.frames.find((f) => f.line.includes('"s":"BTCUSDT"') && f.line.includes('"x":true'));
    const { k } = (JSON.parse(closed?.line as string) as { data: { k: Record<string, unknown> } }).data;
    assert.deepEqual(klines[0], [k.t, k.o, k.h, k.l, k.c, k.v, k.T, k.q, k.n, k.V, k.Q, k.B]);
    const { symbols } = JSON.parse(await text(sim, '/api/v3/exchangeInfo')) as { symbols: { symbol: string }[] };
    assert.deepEqual(symbols.map((s) => s.symbol).sort(), [...SYMBOLS].sort());
    assert.ok(sim.now() > Date.UTC(2021, 3, 4) && sim.now() < Date.UTC(2021, 3, 5));
    await sim.close();
  });

  test('what is no recording is refused', async () => {
    await assert.rejects(startBinanceSim({ recording: { frames: [], snapshots: [] } }), RangeError);
    await assert.rejects(
      startBinanceSim({ recording: { frames: [{ time: 0, line: '{}' }], snapshots: [] } }),
      RangeError,
    );
  });
});
