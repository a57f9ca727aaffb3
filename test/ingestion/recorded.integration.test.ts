import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startIngest } from '../../ingestion/ingest.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { compareDecimals, decimal } from '../../schema/decimal.ts';
import { type BookLevel, splitSymbol } from '../../schema/market.ts';
import { RAW_FRAMES } from '../../schema/topics.ts';
import { startBinanceSim } from '../../sim/binance/server.ts';
import { readConfig } from '../../src/platform/config.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { mergeRecording, readCapture, readCaptureMeta } from '../support/fixtures.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker } from './feed/scripted.ts';

const DAY = '20210404';
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

interface Frame {
  data: {
    e: string;
    s: string;
    a: number;
    u: number;
    b: string[][];
    p: string;
    q: string;
    k: Record<'o' | 'h' | 'l' | 'c' | 'v' | 'q', string> & { t: number; x: boolean };
  };
}

test('a recording through stand-in and feed arrives whole: trades, candles and books to the digit', {
  timeout: 60_000,
}, async () => {
  const frames = mergeRecording(['aggTrade', 'depth_100ms', 'kline_1m'].map((name) => `binance.ws.${name}.${DAY}`));
  const snapshotName = `binance.rest.depth_snapshot.${DAY}`;
  const urls = readCaptureMeta(snapshotName).map(([url]) => url ?? '');
  const snapshots = readCapture(snapshotName).map(({ line }, i) => ({
    symbol: new URL(urls[i] ?? '').searchParams.get('symbol') ?? '',
    line,
  }));
  const sim = await startBinanceSim({ recording: { frames, snapshots, speed: 20 } });
  const log = new RememberingBroker();
  const config = readConfig({ MARKETS: 'binance:*' });
  const platform = {
    config,
    log: quiet,
    postgres: database.postgres,
    broker: log.port,
    live: {},
  } as unknown as Platform;
  const ingest = await startIngest(platform, { endpoints: { BINANCE: { ws: sim.wsUrl, rest: sim.restUrl } } });
  try {
    await sim.recording?.done;
    const parsed = frames.map(({ line }) => (JSON.parse(line) as Frame).data);
    const natives = sim.symbols;
    const of = (native: string) => (event: { symbol: string }) => {
      const { base, quote } = splitSymbol(event.symbol);
      return base + quote === native;
    };
    const trades = parsed.filter((data) => data.e === 'aggTrade');
    const received = () =>
      log.sent.filter((one) => one.topic === RAW_FRAMES.name && one.message.headers?.kind === 'frame');
    await until('every frame', () => received().length >= frames.length);
    assert.deepEqual(
      received().map((one) => one.message.value?.toString()),
      frames.map(({ line }) => line),
      'every frame is kept exactly as it came',
    );
    for (const native of natives) {
      const sent = trades.filter((data) => data.s === native);
      assert.deepEqual(
        log
          .trades()
          .filter(of(native))
          .map((t) => [t.tradeId, t.price, t.quantity]),
        sent.map((data) => [String(data.a), decimal(data.p), decimal(data.q)]),
      );

      const closed = parsed.filter((data) => data.e === 'kline' && data.s === native && data.k.x);
      const klines = log.klines().filter(of(native));
      for (const { k } of closed) {
        const kline = klines.filter((one) => one.openTime === k.t && one.isClosed);
        assert.equal(kline.length, 1);
        const { open, high, low, close, volume, quoteVolume } = kline[0] ?? {};
        assert.deepEqual([open, high, low, close, volume, quoteVolume], [k.o, k.h, k.l, k.c, k.v, k.q].map(decimal));
      }
      for (let i = 1; i < klines.length; i++) assert.ok((klines[i]?.openTime ?? 0) >= (klines[i - 1]?.openTime ?? 0));

      const snapshot = snapshots.find((one) => one.symbol === native);
      if (!snapshot) continue;
      assert.deepEqual(
        bookOf(log, of(native)),
        replayed(
          snapshot.line,
          parsed.filter((data) => data.e === 'depthUpdate' && data.s === native),
        ),
      );
    }
    assert.deepEqual(log.dead(), []);
  } finally {
    await ingest.stop();
    await sim.close();
  }
});

type Sides = { bids: BookLevel[]; asks: BookLevel[] };

function sorted(side: Map<string, string>, order: 1 | -1): BookLevel[] {
  return [...side].sort((x, y) => compareDecimals(x[0], y[0]) * order).slice(0, 500);
}

/** What a reader of the topic has in the end; checks on the way that the chain is unbroken and never crossed. */
function bookOf(log: RememberingBroker, mine: (event: { symbol: string }) => boolean): Sides & { sequence: string } {
  const bids = new Map<string, string>();
  const asks = new Map<string, string>();
  let sequence = '';
  for (const [i, event] of log.books().filter(mine).entries()) {
    if (event.type === 'snapshot') {
      bids.clear();
      asks.clear();
    } else assert.equal(event.previousSequence, sequence);
    sequence = event.sequence;
    for (const [side, levels] of [
      [bids, event.bids],
      [asks, event.asks],
    ] as const) {
      for (const [price, quantity] of levels) {
        if (quantity === '0') side.delete(price);
        else side.set(price, quantity);
      }
    }
    // sorting each time would take longer than the recording
    if (i % 25 > 0) continue;
    const [bid, ask] = [sorted(bids, -1)[0]?.[0], sorted(asks, 1)[0]?.[0]];
    if (bid && ask) assert.ok(compareDecimals(bid, ask) < 0, 'crossed');
  }
  return { bids: sorted(bids, -1), asks: sorted(asks, 1), sequence };
}

/** The same from the recording alone. */
function replayed(body: string, deltas: Frame['data'][]): Sides & { sequence: string } {
  const snapshot = JSON.parse(body) as { lastUpdateId: number; bids: string[][]; asks: string[][] };
  const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  const set = (side: Map<string, string>, levels: string[][]): void => {
    for (const [price = '', quantity = ''] of levels) {
      if (decimal(quantity) === '0') side.delete(decimal(price));
      else side.set(decimal(price), decimal(quantity));
    }
  };
  set(sides.bids, snapshot.bids);
  set(sides.asks, snapshot.asks);
  let sequence = snapshot.lastUpdateId;
  for (const delta of deltas) {
    if (delta.u <= snapshot.lastUpdateId) continue;
    set(sides.bids, delta.b);
    set(sides.asks, (delta as unknown as { a: string[][] }).a);
    sequence = delta.u;
  }
  return { bids: sorted(sides.bids, -1), asks: sorted(sides.asks, 1), sequence: String(sequence) };
}
