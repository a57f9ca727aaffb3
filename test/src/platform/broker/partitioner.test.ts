import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createPartitioner, murmur2 } from '../../../../src/platform/broker/partitioner.ts';

const kafkajsMurmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2') as (
  key: Buffer,
) => number;

describe('partitioner', () => {
  // values of Kafka's own UtilsTest.testMurmur2
  for (const [key, hash] of [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ] as const) {
    test(`hashes ${key} as Kafka does`, () => assert.equal(murmur2(Buffer.from(key)), hash));
  }

  test('agrees with kafkajs on any key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (key) => {
        assert.equal(murmur2(Buffer.from(key)), kafkajsMurmur2(Buffer.from(key)) | 0);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  test('messages without a key take turns', () => {
    const partitionOf = createPartitioner();
    const turns = Array.from({ length: 6 }, () => partitionOf(null, 3));
    assert.deepEqual(turns.toSorted(), [0, 0, 1, 1, 2, 2]);
  });
});
