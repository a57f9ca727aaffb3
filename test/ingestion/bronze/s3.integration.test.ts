import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { landingToBronze } from '../../../ingestion/bronze/landing.ts';
import { ingestC2cOrders } from '../../../ingestion/c2c/ingest.ts';
import { openLanding } from '../../../src/platform/landing/open.ts';
import { openDoor, type S3Door } from '../../src/platform/landing/s3-faults.ts';
import { prepareS3, startS3, type TestS3 } from '../../support/s3.ts';
import { withService } from '../../support/service.ts';
import { type MerchantPlatform, startMerchant } from '../c2c/merchant-platform.ts';

const START = Date.UTC(2026, 4, 17, 9, 30);

await withService('orders through a bucket', prepareS3, () => {
  let server: TestS3;
  let door: S3Door;
  let merchant: MerchantPlatform;
  before(async () => {
    server = await startS3();
    door = await openDoor(server.host);
    merchant = await startMerchant({ startAt: START, orders: 300, seed: 9 });
  });
  after(async () => {
    await merchant?.stop();
    await door?.stop();
    await server?.stop();
  });
  const bucket = (): Record<string, string> => ({
    LANDING_URL: `s3://key:secret-of-bucket@${door.host}/landing/raw?tls=off`,
    BRONZE_CLEANUP_MODE: 'delete',
  });
  const keys = async (): Promise<string[]> => {
    const store = await openLanding(merchant.platform(bucket()).config);
    const found: string[] = [];
    for await (const page of store.list('')) found.push(...page);
    store.close();
    return found;
  };
  const orders = async (): Promise<number> =>
    (
      await merchant.rows<{ n: number }>(
        `SELECT count(DISTINCT payload->>'orderNumber')::int AS n FROM bronze.raw_event`,
      )
    )[0]?.n ?? -1;

  test('every order comes into bronze, through faults of the server; a broken file stays alone', async () => {
    door.faults.push('slow-down', 'internal', 'reset');
    await merchant.run(ingestC2cOrders, bucket());
    const landed = await keys();
    assert.ok(landed.length > 10 && landed.every((key) => key.startsWith('source=binance_c2c/day=')));
    const store = await openLanding(merchant.platform(bucket()).config);
    const broken = landed[3] as string;
    const whole = await store.read(broken);
    assert.ok(whole);
    const extra = 'source=binance_c2c/day=2026-05-17/1-broken.ndjson.gz';
    await store.write({ key: extra, bytes: whole.subarray(0, whole.length - 10) });
    // a listing, and a file that is cut off on its way
    door.faults.push('slow-down', 'truncate', 'truncate', 'truncate');
    await assert.rejects(merchant.run(landingToBronze, bucket()), { name: 'LandingUnavailable' });
    door.faults.length = 0;
    await merchant.run(landingToBronze, bucket());
    assert.equal(await orders(), merchant.sim.orders().length);
    assert.deepEqual(await keys(), [extra]);
    const letters = await merchant.rows<{ topic: string }>('SELECT topic FROM ops.dead_letter');
    assert.deepEqual(letters, [{ topic: extra }]);
    assert.ok(!merchant.lines.join().includes('secret-of-bucket'));
    store.close();
  });
});
