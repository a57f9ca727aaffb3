import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startIngest } from '../../ingestion/ingest.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { decimal } from '../../schema/decimal.ts';
import type { TradeEvent } from '../../schema/market.ts';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { startStandIns } from '../../sim/index.ts';
import { BrokerUnavailable } from '../../src/platform/broker/broker.ts';
import { ConfigError, readConfig } from '../../src/platform/config.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { type Postgres, PostgresUnavailable } from '../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker } from './feed/scripted.ts';

const LEASE_MS = 2_000;
const SYMBOLS = ['BTC-USDT', 'ETH-USDT', 'XRP-USDT', 'SOL-USDT', 'BNB-USDT', 'DOGE-USDT'];
const MARKETS = SYMBOLS.map((symbol) => `binance:${symbol}`).join(',');

let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  await database.postgres.query('CREATE TABLE silver.trade_all PARTITION OF silver.trade DEFAULT');
  await database.postgres.query('CREATE TABLE silver.kline_all PARTITION OF silver.kline_1m DEFAULT');
});
after(() => database.stop());

async function clean(): Promise<void> {
  await database.postgres.query('TRUNCATE silver.trade, silver.kline_1m, ops.lease, ops.checkpoint, gold.market');
}

/** One process's view of the world, which can be cut off as if the process were gone. */
function processOn(log: RememberingBroker, env: Record<string, string> = {}) {
  const cut = { off: false };
  const dead = <T>(work: () => Promise<T>): Promise<T> =>
    cut.off ? Promise.reject(new PostgresUnavailable('cut off')) : work();
  const postgres: Postgres = {
    ...database.postgres,
    query: (text, params) => dead(() => database.postgres.query(text, params)),
  };
  const broker = {
    ...log.port,
    send: (...args: Parameters<typeof log.port.send>) =>
      cut.off ? Promise.reject(new BrokerUnavailable('cut off')) : log.port.send(...args),
  };
  const config = readConfig({
    MARKETS,
    LEASE_MS: String(LEASE_MS),
    FEED_STALE_MS: '5000',
    BACKFILL_HOURS: '1',
    ...env,
  });
  const platform = { config, log: quiet, postgres, broker, live: {} } as unknown as Platform;
  return { platform, cut };
}

const endpointsOf = (sim: BinanceSim) => ({ BINANCE: { ws: sim.wsUrl, rest: sim.restUrl } });

/** What the worker `silver` does, as late as it may. */
async function storeTrades(trades: readonly TradeEvent[]): Promise<void> {
  const column = <K extends keyof TradeEvent>(name: K) => trades.map((trade) => trade[name]);
  await database.postgres.query(
    `INSERT INTO silver.trade (exchange, symbol, trade_id, price, quantity, side, event_time, received_at)
     SELECT 'BINANCE', s, i, p, q, d, to_timestamp(t / 1000.0), now()
     FROM unnest($1::text[], $2::text[], $3::numeric[], $4::numeric[], $5::text[], $6::float8[]) AS n (s, i, p, q, d, t)
     ON CONFLICT DO NOTHING`,
    [column('symbol'), column('tradeId'), column('price'), column('quantity'), column('side'), column('eventTime')],
  );
}

async function holders(): Promise<Map<string, string[]>> {
  const rows = await database.postgres.query<{ name: string; holder: string }>(
    `SELECT name, holder FROM ops.lease WHERE name LIKE 'ingest:%' AND expires_at > clock_timestamp()`,
  );
  const found = new Map<string, string[]>();
  for (const { name, holder } of rows) found.set(holder, [...(found.get(holder) ?? []), name]);
  return found;
}

const sizes = async (): Promise<number[]> => [...(await holders()).values()].map((names) => names.length).sort();

test('markets that no exchange has are named together at start', async () => {
  const standIns = await startStandIns(['BINANCE', 'UPBIT'], 1);
  try {
    const { platform } = processOn(new RememberingBroker(), {
      MARKETS: 'binance:NO-SUCH,binance:BTC-USDT,binance:ALSO-NOT,upbit:BTC-KRW,upbit:BTC-XYZ',
    });
    await assert.rejects(startIngest(platform, { endpoints: standIns.endpoints }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual([...error.problems].sort(), [
        'MARKETS: binance has no market ALSO-NOT',
        'MARKETS: binance has no market NO-SUCH',
        'MARKETS: upbit has no market BTC-XYZ',
      ]);
      return true;
    });
  } finally {
    await standIns.stop();
  }
});

test('binance:* follows every market of the list and writes them down', async () => {
  await clean();
  const sim = await startBinanceSim({ symbols: 30 });
  const log = new RememberingBroker();
  const ingest = await startIngest(processOn(log, { MARKETS: 'binance:*' }).platform, { endpoints: endpointsOf(sim) });
  try {
    await until('trades of most markets', () => new Set(log.trades().map((trade) => trade.symbol)).size > 20);
    await until('books of all', () => new Set(log.books().map((book) => book.symbol)).size === sim.symbols.length);
    const [row] = await database.postgres.query<{ count: string; tick: string }>(
      `SELECT count(*) AS count, max(tick_size) FILTER (WHERE symbol = 'BTC-USDT') AS tick FROM gold.market`,
    );
    assert.equal(Number(row?.count), sim.symbols.length);
    assert.equal(row?.tick, '0.01000000'.replace(/0+$/, ''));
    assert.equal(log.dead().length, 0);
  } finally {
    await ingest.stop();
    await sim.close();
  }
});

test('processes share the markets evenly; a third gets some; what one gives back the others take', {
  timeout: 60_000,
}, async () => {
  await clean();
  const sim = await startBinanceSim({ symbols: SYMBOLS.map((symbol) => symbol.replace('-', '')), rate: 5 });
  const log = new RememberingBroker();
  const running: Running[] = [];
  const join = async () =>
    running.push(
      await startIngest(processOn(log).platform, { endpoints: endpointsOf(sim), times: { overlapMs: 300 } }),
    );
  try {
    await join();
    await until('one to have all', async () => String(await sizes()) === '6');
    await join();
    await until('two to have halves', async () => String(await sizes()) === '3,3');
    await join();
    await until('three to have thirds', async () => String(await sizes()) === '2,2,2');
    await running.pop()?.stop();
    await until('halves again', async () => String(await sizes()) === '3,3');
    await running.pop()?.stop();
    await until('one to have all again', async () => String(await sizes()) === '6');
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    await sim.close();
  }
  assert.deepEqual(await sizes(), []);
});

test('a process that vanishes is succeeded within the lease time and nothing is missing', {
  timeout: 60_000,
}, async () => {
  await clean();
  const symbols = ['BTC-USDT', 'ETH-USDT'];
  const sim = await startBinanceSim({ symbols: symbols.map((symbol) => symbol.replace('-', '')), rate: 20 });
  const log = new RememberingBroker();
  const env = { MARKETS: symbols.map((symbol) => `binance:${symbol}`).join(',') };
  const gone: Running[] = [];
  let current: Running | null = null;
  try {
    for (let life = 0; life < 4; life++) {
      const process = processOn(log, env);
      const ingest = await startIngest(process.platform, { endpoints: endpointsOf(sim) });
      const before = new Map(symbols.map((symbol) => [symbol, log.trades().filter((t) => t.symbol === symbol).length]));
      const from = performance.now();
      await until('trades of both markets', () =>
        symbols.every(
          (symbol) => log.trades().filter((t) => t.symbol === symbol).length > (before.get(symbol) ?? 0) + life * 10,
        ),
      );
      if (life > 0) assert.ok(performance.now() - from < LEASE_MS + 1_500, 'taken over in time');
      if (life === 3) {
        current = ingest;
        break;
      }
      // silver lags behind by some trades
      await storeTrades(log.trades().slice(0, -5));
      process.cut.off = true;
      gone.push(ingest);
    }
    const mark = new Map(symbols.map((symbol) => [symbol, sim.sent(symbol.replace('-', '')).trades.at(-1)?.a ?? 0]));
    await until('the stream to have passed the mark', () =>
      symbols.every((symbol) =>
        log.trades().some((t) => t.symbol === symbol && Number(t.tradeId) >= (mark.get(symbol) ?? 0)),
      ),
    );
    for (const symbol of symbols) {
      const got = new Map(
        log
          .trades()
          .filter((t) => t.symbol === symbol)
          .map((t) => [Number(t.tradeId), t]),
      );
      const first = Math.min(...got.keys());
      const sent = sim
        .sent(symbol.replace('-', ''))
        .trades.filter((t) => t.a >= first && t.a <= (mark.get(symbol) ?? 0));
      assert.ok(sent.length > 50);
      for (const trade of sent) {
        const event = got.get(trade.a);
        assert.ok(event, `${symbol} trade ${trade.a} is missing`);
        assert.deepEqual([event.price, event.quantity, event.eventTime], [decimal(trade.p), decimal(trade.q), trade.T]);
      }
    }
    await until('the successor to tell that its books begin anew', () =>
      symbols.every((symbol) => log.books().some((book) => book.symbol === symbol && book.gap)),
    );
  } finally {
    await Promise.all([...gone, current].map((one) => one?.stop()));
    await sim.close();
  }
});

test('closed candles equal those of the exchange, quiet minutes included', { timeout: 60_000 }, async () => {
  await clean();
  // three days after the epoch of its markets; time moves by hand
  const startAt = Math.floor(Date.now() / 60_000) * 60_000 - 600_000 + 30_000;
  const sim = await startBinanceSim({ symbols: ['BTCUSDT', 'ETHUSDT'], rate: 0.2, startAt });
  const log = new RememberingBroker();
  const env = { MARKETS: 'binance:BTC-USDT,binance:ETH-USDT' };
  const ingest = await startIngest(processOn(log, env).platform, { endpoints: endpointsOf(sim) });
  try {
    await until('connections', () => sim.stats().connections > 0);
    for (let second = 0; second < 300; second++) {
      sim.advance(1_000);
      await new Promise((done) => setTimeout(done, 5));
    }
    for (const native of ['BTCUSDT', 'ETHUSDT']) {
      const symbol = `${native.slice(0, 3)}-USDT`;
      const wanted = sim.sent(native).candles.filter((candle) => candle.T < sim.now() - 60_000);
      assert.ok(wanted.length >= 3);
      await until(`${symbol} candles`, () => {
        const closed = new Map(
          log
            .klines()
            .filter((k) => k.symbol === symbol && k.isClosed)
            .map((k) => [k.openTime, k]),
        );
        sim.advance(500);
        return wanted.every((candle) => {
          const kline = closed.get(candle.t);
          if (!kline) return false;
          assert.deepEqual(
            [kline.open, kline.high, kline.low, kline.close, kline.volume, kline.quoteVolume, kline.tradeCount],
            [candle.o, candle.h, candle.l, candle.c, candle.v, candle.q].map(decimal).concat(candle.n as never),
          );
          return true;
        });
      });
      // in the topic, no minute comes before the close of the one before it
      const klines = log.klines().filter((k) => k.symbol === symbol);
      for (let i = 1; i < klines.length; i++) {
        const [a, b] = [klines[i - 1], klines[i]];
        assert.ok(a && b && b.openTime >= a.openTime);
        if (b.openTime > a.openTime)
          assert.ok(a.isClosed && b.openTime === a.openTime + 60_000, `${a.openTime} ${b.openTime}`);
      }
    }
  } finally {
    await ingest.stop();
    await sim.close();
  }
});

test('stop takes less than three seconds, also when the log and the database are away', {
  timeout: 30_000,
}, async () => {
  await clean();
  const sim = await startBinanceSim({ symbols: SYMBOLS.map((symbol) => symbol.replace('-', '')), rate: 5 });
  const log = new RememberingBroker();
  const process = processOn(log);
  const ingest = await startIngest(process.platform, { endpoints: endpointsOf(sim) });
  await until('trades', () => log.trades().length > 0);
  process.cut.off = true;
  const from = performance.now();
  await ingest.stop();
  assert.ok(performance.now() - from < 3_000, `${performance.now() - from} ms`);
  await sim.close();
});
