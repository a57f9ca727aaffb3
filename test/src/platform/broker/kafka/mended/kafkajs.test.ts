import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from '../../../../../../src/platform/broker/kafka/mended/crc32c.ts';
import { kafkajs } from '../../../../../../src/platform/broker/kafka/mended/kafkajs.ts';
import type {
  OutgoingRecord,
  WrittenRecord,
} from '../../../../../../src/platform/broker/kafka/mended/record-writer.ts';

const inside = createRequire(import.meta.url);

/** What is in the place of a module of kafkajs, and what was there before. */
function pair<F>(path: string): [ours: F, original: F] {
  const id = inside.resolve(path);
  const entry = inside.cache[id];
  delete inside.cache[id];
  const original = inside(path) as F;
  inside.cache[id] = entry;
  const ours = inside(path) as F;
  assert.notEqual(ours, original);
  return [ours, original];
}

const bytes = fc.uint8Array({ maxLength: 700 }).map((all) => Buffer.from(all));
const text = fc.string({ maxLength: 90, unit: 'grapheme' });

test('the checksum is that of CRC-32C, of any length', () => {
  // https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  const [ours, original] = pair<(b: Buffer) => number>('kafkajs/src/protocol/recordBatch/crc32C/crc32C');
  assert.equal(ours, crc32c);
  fc.assert(fc.property(bytes, (all) => assert.equal(ours(all), original(all))));
});

test('a record is the same bytes as kafkajs writes', () => {
  const [ours, original] = pair<(r: OutgoingRecord) => WrittenRecord>('kafkajs/src/protocol/recordBatch/record/v0');
  const small = fc.oneof(
    fc.nat(300),
    fc.constantFrom(63, 64, 8_191, 8_192, 2 ** 20 - 1, 2 ** 20, 2 ** 27 - 1, 2 ** 27),
  );
  const record = fc.record(
    {
      offsetDelta: small,
      timestampDelta: fc.oneof(small, fc.constantFrom(-1, -5_000, 2 ** 31, 2 ** 40)),
      key: fc.option(fc.oneof(text, bytes)),
      value: fc.option(fc.oneof(text, bytes)),
      headers: fc.dictionary(text, fc.oneof(text, bytes, fc.array(text, { maxLength: 3 })), {
        maxKeys: 8,
        noNullPrototype: true,
      }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(record, (one) => {
      const [a, b] = [ours(one), original(one)];
      assert.ok(a.buffer.equals(b.buffer));
      assert.equal(a.offset, b.offset);
    }),
    { numRuns: 1_000 },
  );
});

test('messages are sorted by partition as kafkajs sorts them', () => {
  type Group = (of: object) => Record<string, string[]>;
  const [ours, original] = pair<Group>('kafkajs/src/producer/groupMessagesPerPartition');
  const partitioner = ({ message, topic }: { message: string; topic: string }): number =>
    (message.length + topic.length) % 5;
  fc.assert(
    fc.property(fc.array(text), fc.nat(2), (messages, count) => {
      const given = { topic: 't', partitionMetadata: Array(count).fill({}), messages, partitioner };
      assert.deepEqual(ours(given), original(given));
    }),
  );
  assert.equal(typeof kafkajs.Kafka, 'function');
});
