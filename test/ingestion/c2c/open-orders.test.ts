import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headersOf, mayChange } from '../../../ingestion/c2c/open-orders.ts';
import type { C2cOrder } from '../../../schema/c2c-order.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
const NOW = Date.UTC(2026, 4, 17);
const window = { from: NOW - 10 * DAY, to: NOW };

test('completed is the end at once, cancelled after 14 days, anything else never', () => {
  const of = (orderStatus: string, createTime: number): number | null =>
    mayChange({ said: null, order: { orderStatus, createTime } as C2cOrder }, window, NOW);
  assert.equal(of('COMPLETED', NOW - 1), null);
  for (const status of ['CANCELLED', 'CANCELLED_BY_SYSTEM']) {
    assert.equal(of(status, NOW - 14 * DAY), NOW - 14 * DAY);
    assert.equal(of(status, NOW - 14 * DAY - 1), null);
  }
  for (const status of ['TRADING', 'SOMETHING_NEW']) assert.equal(of(status, NOW - 100 * DAY), NOW - 100 * DAY);
});

test('of an order that is none the time counts where its window can have brought it', () => {
  const of = (said: unknown): number | null => mayChange({ said, reason: 'none' }, window, NOW);
  for (const time of [NOW - DAY, window.from, window.to]) {
    assert.equal(of({ createTime: time }), time);
    assert.equal(of({ createTime: String(time) }), time);
  }
  for (const createTime of [
    window.from - 2 * HOUR,
    window.to + 2 * HOUR,
    0,
    1e300,
    null,
    '',
    'soon',
    [NOW],
    undefined,
  ]) {
    assert.equal(of({ createTime }), null, String(createTime));
  }
  for (const said of [null, 7, 'x', []]) assert.equal(of(said), null);
});

test('only the number of an order is written down as one', () => {
  assert.deepEqual(headersOf({ orderNumber: '2021_a-9' }), { orderNumber: '2021_a-9' });
  for (const orderNumber of ['', 'a b', 'a\u0000', '\ud800', 'x'.repeat(65), 5, null]) {
    assert.deepEqual(headersOf({ orderNumber }), {});
  }
  assert.deepEqual(headersOf(null), {});
});
