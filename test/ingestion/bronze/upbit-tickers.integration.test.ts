import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fetchUpbitTickers } from '../../../ingestion/bronze/upbit-tickers.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { startUpbitSim } from '../../../sim/upbit/server.ts';
import { openTestDatabase } from '../../support/postgres.ts';
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

test('a long ban, or a list that can not be had, ends the run with an error', async () => {
  sim.faults.refuseRest({ status: 418, count: 1, retryAfter: 600, path: '/v1/ticker' });
  await assert.rejects(run('upbit:BTC-KRW'), { name: 'RestFailed', status: 418 });
  sim.faults.refuseRest({ status: 418, count: 1, retryAfter: 600, path: '/v1/market' });
  await assert.rejects(run('upbit:BTC-KRW'), /list of markets/);
});
