import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { landingPlace, type S3Place } from '../../../../src/platform/landing/place.ts';
import { openS3Store } from '../../../../src/platform/landing/s3.ts';
import type { LandingStore } from '../../../../src/platform/landing/store.ts';
import { freePort } from '../../../../src/platform/postgres/embedded.ts';
import { prepareS3, startS3, type TestS3 } from '../../../support/s3.ts';
import { withService } from '../../../support/service.ts';
import { BOUNDS, landingContract } from './contract.ts';
import { openDoor, type S3Door } from './s3-faults.ts';

await withService('landing store in a bucket', prepareS3, () => {
  let server: TestS3;
  let door: S3Door;
  let stores = 0;
  before(async () => {
    server = await startS3();
    door = await openDoor(server.host);
  });
  after(async () => {
    await door?.stop();
    await server?.stop();
  });
  const open = (host: string, timeoutMs = 10_000): LandingStore => {
    const text = `s3://key:se%2Fcret@${host}/landing/${stores++}?tls=off`;
    return openS3Store(landingPlace(text) as S3Place, { timeoutMs, ...BOUNDS });
  };
  const KEY = 'source=a/day=2026-01-01/1-a.ndjson.gz';

  landingContract(async () => open(server.host));

  test('what passes is tried again: SlowDown, an internal error, a reset, an answer cut off', async () => {
    const store = open(door.host);
    door.faults.push('slow-down', 'internal', 'reset');
    await store.write({ key: KEY, bytes: Buffer.alloc(200_000, 7) });
    assert.equal(door.faults.length, 0);
    door.faults.push('slow-down');
    assert.equal((await store.read(KEY))?.length, 200_000);
    door.faults.push('slow-down');
    const listed: string[] = [];
    for await (const page of store.list('')) listed.push(...page);
    assert.deepEqual(listed, [KEY]);
    store.close();
  });

  test('half a file is never taken for one', async () => {
    const store = open(door.host, 2_000);
    await store.write({ key: KEY, bytes: Buffer.alloc(200_000, 7) });
    door.faults.push('truncate', 'truncate', 'truncate', 'truncate');
    await assert.rejects(store.read(KEY), { name: 'LandingUnavailable' });
    door.faults.length = 0;
    assert.equal((await store.read(KEY))?.length, 200_000);
    store.close();
  });

  test('a server that is gone, or does not answer, is an error in bounded time and without the secret', async () => {
    const gone = open(`127.0.0.1:${await freePort()}`, 300);
    const failed = async (work: Promise<unknown>): Promise<void> => {
      const error = (await work.then(
        () => null,
        (reason: unknown) => reason,
      )) as Error | null;
      assert.equal(error?.name, 'LandingUnavailable');
      assert.doesNotMatch(`${error?.stack} ${error?.message}`, /se.{1,3}cret/);
    };
    await failed(gone.write({ key: KEY, bytes: Buffer.from('x') }));
    await failed(gone.read(KEY));
    await failed(gone.list('')[Symbol.asyncIterator]().next());
    gone.close();
    const slow = open(door.host, 200);
    door.faults.push('stall', 'stall', 'stall', 'stall');
    await failed(slow.write({ key: KEY, bytes: Buffer.from('x') }));
    door.faults.length = 0;
    slow.close();
  });

  test('a bucket that is not there is an error', async () => {
    const place = landingPlace(`s3://key:secret@${server.host}/missing?tls=off`) as S3Place;
    const store = openS3Store(place, { timeoutMs: 5_000, ...BOUNDS });
    await assert.rejects(store.write({ key: KEY, bytes: Buffer.from('x') }), /NoSuchBucket/);
    store.close();
  });
});
