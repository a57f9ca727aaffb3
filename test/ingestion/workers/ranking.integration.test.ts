import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { rankingStreamId, streamKey } from '../../../schema/channels.ts';
import { rankingKey } from '../../../schema/live/keys.ts';
import type { Exchange, TickerEvent } from '../../../schema/market.ts';
import type { RankingEvent, RankingMetric } from '../../../schema/ranking.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { BTC, storeKlines, storeMarkets } from '../../resolvers/samples.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { MINUTE, minute, ticker } from './market-events.ts';
import { memoryPlatform, produce } from './worker-platform.ts';

const CHILD = fileURLToPath(new URL('ranking-child.ts', import.meta.url));
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

test('rankings are made by one process of two, at most once a second, and by the other when it is killed', async () => {
  await storeMarkets(database.postgres, [BTC]);
  const told: { by: ChildProcess; at: number }[] = [];
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD], {
      env: { PATH: process.env.PATH, DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      told.push(...lines.map((line) => ({ by: child, at: Number(line) })));
    });
    return child;
  };
  const children = [start(), start()];
  try {
    await until('three rankings', () => told.length >= 3, { timeoutMs: 30_000 });
    const first = told[0]?.by as ChildProcess;
    assert.ok(told.every(({ by }) => by === first));
    first.kill('SIGKILL');
    await once(first, 'exit');
    const gone = Date.now();
    await until('the other to go on', () => told.filter(({ by }) => by !== first).length >= 3, { timeoutMs: 30_000 });
    const taken = told.find(({ by }) => by !== first);
    // the lease, and a second of waiting; the rest is the machine's
    assert.ok((taken?.at ?? 0) - gone < 8_000, 'taken over soon');
    const turned = told.findIndex(({ by }) => by !== first);
    assert.ok(told.slice(turned).every(({ by }) => by !== first));
    for (const [i, { at }] of told.slice(1).entries()) {
      // the two clocks that time it are rounded
      assert.ok(at - (told[i]?.at ?? 0) >= 995, `${told.map((one) => one.at)}`);
    }
  } finally {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});

test('from tickers to the live store: dense, nothing told twice, each metric by what is known of it', async () => {
  const { postgres } = database;
  const venues: [Exchange, string][] = [
    ['BINANCE', 'BTC-USDT'],
    ['UPBIT', 'BTC-KRW'],
    ['UPBIT', 'USDT-KRW'],
    ['BINANCE', 'ETH-EUR'],
    ['KUCOIN', 'SILENT-USDT'],
  ];
  await postgres.query('DELETE FROM gold.market');
  await storeMarkets(
    postgres,
    venues.map(([exchange, symbol]) => ({ exchange, symbol })),
  );
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  await storeKlines(
    postgres,
    [1, 2, 3].map((ago) => minute(now - ago * MINUTE, { open: '100', close: ago === 2 ? '110' : '100' })),
  );
  const platform = await memoryPlatform(postgres, { LEASE_MS: '600' });
  const { live, broker } = platform;
  const config = { ...platform.config, SUPPLY_FILE: new Map([['BTC', '20000000']]) };
  const of = (exchange: Exchange, symbol: string, fields: Partial<TickerEvent>): TickerEvent =>
    ticker(Date.now(), { exchange, symbol, ...fields });
  await produce(broker, TOPICS.ticker, [
    of('BINANCE', 'BTC-USDT', { open: '100', last: '120', quoteVolume24h: '5000' }),
    of('UPBIT', 'BTC-KRW', { open: '150000', last: '144000', quoteVolume24h: '9000000' }),
    of('UPBIT', 'USDT-KRW', { open: '1500', last: '1500', quoteVolume24h: '1500' }),
    of('BINANCE', 'ETH-EUR', { open: '10', last: '11' }),
  ]);
  const read = async (metric: RankingMetric): Promise<RankingEvent | null> => {
    const [latest] = await live.latest([rankingKey(metric)]);
    return latest ? (JSON.parse(latest.value) as RankingEvent) : null;
  };
  const values = async (metric: RankingMetric) => (await read(metric))?.rows.map((row) => [row[1], row[2]]);
  const stream = streamKey('ranking', rankingStreamId({ metric: 'CHANGE_PERCENT' }));
  const running = await startWorkers({ ...platform, config }, { only: ['live', 'ranking'], onFatal: assert.fail });
  try {
    await until('the rankings', async () => (await read('MARKET_CAP'))?.rows.length === 2);
    assert.deepEqual(await values('CHANGE_PERCENT'), [
      ['BTC-USDT', '20'],
      ['ETH-EUR', '10'],
      ['USDT-KRW', '0'],
      ['BTC-KRW', '-4'],
    ]);
    assert.deepEqual(await values('QUOTE_VOLUME'), [
      ['BTC-KRW', '6000'],
      ['BTC-USDT', '5000'],
      ['USDT-KRW', '1'],
    ]);
    assert.deepEqual(await values('MARKET_CAP'), [
      ['BTC-USDT', '2400000000'],
      ['BTC-KRW', '1920000000'],
    ]);
    const volatility = (await read('VOLATILITY'))?.rows;
    assert.deepEqual(
      volatility?.map((row) => row[1]),
      ['BTC-USDT'],
    );
    // up and down again by the same factor, after a first minute without a move
    assert.ok(Math.abs(Number(volatility?.[0]?.[2]) - Math.SQRT2 * Math.log(1.1)) < 1e-9);
    assert.deepEqual([(await read('QUOTE_VOLUME'))?.leftOut, (await read('MARKET_CAP'))?.leftOut], [2, 3]);

    // the same figures again are not another ranking
    const before = await live.positions([stream]);
    await produce(broker, TOPICS.ticker, [of('BINANCE', 'ETH-EUR', { open: '10', last: '11' })]);
    await new Promise((done) => setTimeout(done, 2_500));
    assert.deepEqual(await live.positions([stream]), before);
    await produce(broker, TOPICS.ticker, [of('BINANCE', 'ETH-EUR', { open: '10', last: '8' })]);
    await until('the loser', async () => (await values('CHANGE_PERCENT'))?.at(-1)?.[0] === 'ETH-EUR');
    const entries = await live.read(stream, 0n, 100);
    assert.deepEqual(
      entries.map((entry) => entry.sequence),
      entries.map((_, i) => BigInt(i + 1)),
    );
    const times = entries.map((entry) => (JSON.parse(entry.payload) as RankingEvent).computedAt);
    for (const [i, time] of times.slice(1).entries()) assert.ok(time - (times[i] ?? 0) >= 995, String(times));
  } finally {
    await running.stop();
  }
});
