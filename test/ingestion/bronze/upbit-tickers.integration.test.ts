import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fetchUpbitTickers } from '../../../ingestion/bronze/upbit-tickers.ts';
import { createBans, restPlace } from '../../../ingestion/feed/bans.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { startUpbitSim } from '../../../sim/upbit/server.ts';
import { createExchangeRest, type RestFailed } from '../../../src/platform/exchange/rest.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { quiet } from '../feed/scripted.ts';
import { memoryPlatform } from '../workers/worker-platform.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let sim: Awaited<ReturnType<typeof startUpbitSim>>;
before(async () => {
  [database, sim] = await Promise.all([openTestDatabase(MIGRATIONS), startUpbitSim({ seed: 2, symbols: 7 })]);
});
after(() => Promise.all([database.stop(), sim.close()]));

async function run(markets: string) {
  const urls = { UPBIT_WS_URL: sim.wsUrl, UPBIT_REST_URL: sim.restUrl };
  const platform = await memoryPlatform(database.postgres, { MARKETS: markets, ...urls });
  const { log } = platform;
  return fetchUpbitTickers.run({ platform, log, signal: new AbortController().signal, progress: () => {} });
}

interface Event {
  event_id: string;
  source: string;
  symbol: string;
  ts_event: Date;
  payload: string;
  call_id: string;
}

test('tickers of the followed markets come into bronze, the answer and each of it', async () => {
  assert.deepEqual(await run('upbit:BTC-KRW,upbit:ETH-KRW,upbit:NOTHING-KRW,binance:BTC-USDT'), {
    rowsIn: 1,
    rowsOut: 3,
  });
  const { postgres } = database;
  const [landing] = await postgres.query<{ call_id: string; source: string; endpoint: string; n: number }>(
    'SELECT call_id, source, endpoint, jsonb_array_length(payload) AS n FROM bronze.raw_landing',
  );
  assert.deepEqual({ ...landing, call_id: '' }, { call_id: '', source: 'UPBIT', endpoint: '/v1/ticker', n: 2 });
  const events = await postgres.query<Event>(
    'SELECT event_id, source, symbol, ts_event, payload::text AS payload, call_id FROM bronze.raw_event ORDER BY event_id',
  );
  assert.deepEqual(
    events.map(({ event_id }) => event_id),
    [`${landing?.call_id}:0`, `${landing?.call_id}:1`],
  );
  for (const { source, symbol, ts_event, payload, call_id } of events) {
    assert.deepEqual([source, call_id], ['UPBIT', landing?.call_id]);
    const ticker = JSON.parse(payload) as { market: string; timestamp: number };
    assert.equal(ticker.market, symbol.split('-').toReversed().join('-'));
    assert.equal(ts_event.getTime(), ticker.timestamp);
  }
});

test('all markets of the exchange, after a refusal that is waited out', async () => {
  sim.faults.refuseRest({ status: 429, count: 1, retryAfter: 1, path: '/v1/ticker' });
  assert.deepEqual(await run('upbit:*'), { rowsIn: 1, rowsOut: 8 });
  assert.deepEqual(await run('binance:BTC-USDT'), { rowsIn: 0, rowsOut: 0 });
});

test('a ban that the feeds met is kept to, and one that is met here is told to them', async () => {
  const feeds = createExchangeRest({ base: sim.restUrl, timeoutMs: 2_000, weight: 8, perMs: 1_000 });
  const bans = createBans(database.postgres, new Map([[restPlace(sim.restUrl), feeds]]), 'ingest', quiet);
  bans.start();
  try {
    const before = sim.stats().restRequests;
    feeds.pause(3_000);
    const bannedUntil = performance.now() + 3_000;
    const written = async () =>
      (await database.postgres.query(`SELECT 1 FROM ops.lease WHERE name LIKE 'ban:%' AND expires_at > now()`))[0];
    await until('the ban to be written', written);
    assert.deepEqual(await run('upbit:BTC-KRW'), { rowsIn: 1, rowsOut: 2 });
    assert.ok(performance.now() > bannedUntil - 700, 'not before it was over');
    assert.equal(sim.stats().restRequests - before, 2);

    sim.faults.refuseRest({ status: 418, count: 1, retryAfter: 600, path: '/v1/ticker' });
    await assert.rejects(run('upbit:BTC-KRW'), { name: 'RestFailed', status: 418 });
    await until('the feeds to be silent', () => feeds.silentFor() > 500_000);
    const asked = sim.stats().restRequests;
    // one that is this long is left to a later run
    await assert.rejects(run('upbit:BTC-KRW'), ({ name, status, retryAfterMs }: RestFailed) => {
      return name === 'RestFailed' && status === 429 && (retryAfterMs ?? 0) > 500_000;
    });
    assert.equal(sim.stats().restRequests, asked);
  } finally {
    await bans.stop();
    await database.postgres.query('TRUNCATE ops.lease');
  }
});

test('a long ban, or a list that can not be had, ends the run with an error', async () => {
  sim.faults.refuseRest({ status: 418, count: 1, retryAfter: 600, path: '/v1/ticker' });
  await assert.rejects(run('upbit:BTC-KRW'), { name: 'RestFailed', status: 418 });
  await database.postgres.query('TRUNCATE ops.lease');
  sim.faults.refuseRest({ status: 418, count: 1, retryAfter: 600, path: '/v1/market' });
  await assert.rejects(run('upbit:BTC-KRW'), /list of markets/);
});
