import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ingestC2cOrders } from '../../../ingestion/c2c/ingest.ts';
import { type MerchantPlatform, startMerchant } from './merchant-platform.ts';

const START = Date.UTC(2026, 4, 17, 9, 30);
let merchant: MerchantPlatform;
before(async () => {
  merchant = await startMerchant({ startAt: START });
});
after(() => merchant.stop());

test('what was stored stays for good: back-fills of three times six months hold every order that was ever shown, over 49,800 of 50,000', async () => {
  const { sim } = merchant;
  const settings = { FETCH_MODE: 'backfill', ENABLE_LANDING_WRITE: 'false' };
  for (const [year, month] of [
    [2025, 4],
    [2025, 10],
    [2026, 4],
  ] as const) {
    sim.setNow(Date.UTC(year, month, 17, 9, 30));
    await merchant.run(ingestC2cOrders, settings);
  }
  const said = new Map(sim.orders().map((order) => [order.orderNumber, order]));
  const rows = await merchant.rows<{ n: string; status: string; total: string }>(
    'SELECT order_number AS n, order_status AS status, total_price AS total FROM public.c2c_order',
  );
  // the oldest were made before the six months that the first run saw
  const oldest = Date.UTC(2024, 10, 17, 9, 30);
  const shown = [...said.values()].filter(({ createTime }) => createTime >= oldest);
  assert.ok(shown.length > 49_800);
  assert.equal(rows.length, shown.length);
  let differing = 0;
  for (const { n, status, total } of rows) {
    assert.equal(total, said.get(n)?.totalPrice);
    if (status !== said.get(n)?.orderStatus) differing++;
  }
  // an order that was open when it was last shown is not heard of again
  assert.ok(differing < 60, `${differing} orders`);
});
