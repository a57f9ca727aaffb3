import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { partitionBounds, partitionName } from '../../../../src/platform/postgres/partitions.ts';

const at = Date.UTC(2027, 11, 31, 23, 59, 59, 999);

describe('partition names and bounds', () => {
  test('by day, over the end of a year', () => {
    assert.equal(partitionName('silver.trade', 'day', at), 'silver.trade_20271231');
    assert.equal(partitionName('silver.trade', 'day', at + 1), 'silver.trade_20280101');
    assert.deepEqual(partitionBounds('day', at), { from: Date.UTC(2027, 11, 31), to: Date.UTC(2028, 0, 1) });
  });

  test('by month, leap day included', () => {
    const leap = Date.UTC(2028, 1, 29, 12);
    assert.equal(partitionName('gold.kline', 'month', leap), 'gold.kline_202802');
    assert.deepEqual(partitionBounds('month', leap), { from: Date.UTC(2028, 1, 1), to: Date.UTC(2028, 2, 1) });
  });
});
