import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as operations from '../generated/graphql.ts';
import { openWorld, type World } from './world.ts';

const T0 = Date.UTC(2026, 2, 1);
let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.stop());

async function put(dataset: string, check: string, minute: number, failed: number): Promise<void> {
  const at = new Date(T0 + minute * 60_000);
  const sample =
    failed > 0 ? [{ exchange: 'UPBIT', symbol: 'BTC-KRW', reason: 'high is below low', high: '1.10' }] : [];
  await world.postgres.query('INSERT INTO ops.data_quality_result VALUES ($1, $2, $3, $3, $3, $4, 60, $5, $6)', [
    dataset,
    check,
    at,
    failed === 0,
    failed,
    JSON.stringify(sample),
  ]);
}

test('the newest result of every check and those that failed, with their rows and reasons, newest first', async () => {
  for (let i = 0; i < 5; i++) await put('silver.kline_1m', 'ohlc_order', i, i === 2 ? 3 : 0);
  for (let i = 0; i < 5; i++) await put('silver.trade', 'coverage', i, 0);
  const { dataQuality } = await world.data(operations.DataQualityDocument, {});
  const at = (minute: number) => new Date(T0 + minute * 60_000).toISOString();
  const passed = { passed: true, checked: 60, failed: 0, sample: [] };
  const row = { exchange: 'UPBIT', symbol: 'BTC-KRW', reason: 'high is below low', high: '1.10' };
  const kline = { dataset: 'silver.kline_1m', check: 'ohlc_order' };
  assert.deepEqual(dataQuality, [
    { ...kline, ...passed, runAt: at(4) },
    { dataset: 'silver.trade', check: 'coverage', ...passed, runAt: at(4) },
    { ...kline, passed: false, checked: 60, failed: 3, sample: [row], runAt: at(2) },
  ]);
  const only = await world.data(operations.DataQualityDocument, { dataset: 'silver.trade' });
  assert.deepEqual(
    only.dataQuality.map(({ dataset }) => dataset),
    ['silver.trade'],
  );
  assert.deepEqual((await world.data(operations.DataQualityDocument, { dataset: 'no.such' })).dataQuality, []);
});
