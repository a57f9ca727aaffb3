import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CompressionTypes } from 'kafkajs';
import { installCodecs } from '../../../../../src/platform/broker/kafka/codecs.ts';
import { crc32c } from '../../../../../src/platform/broker/kafka/crc32c.ts';
import { replaceRecords } from '../../../../../src/platform/broker/kafka/records.ts';

const require = createRequire(import.meta.url);
const INSIDE = 'kafkajs/src/protocol';

interface Encoder {
  buffer: Buffer;
  size(): number;
}
type Decoded = {
  records: { headers: Record<string, unknown>; batchContext?: unknown }[];
  isStampedByLog?: boolean;
  magicByte?: number;
};
interface Inside {
  RecordBatch(batch: object): Promise<Encoder>;
  Record(record: object): object;
  decode(decoder: object): Promise<Decoded>;
}

/** What kafkajs uses now. */
function inside(): Inside {
  const { RecordBatch } = require(`${INSIDE}/recordBatch/v0`);
  return {
    RecordBatch,
    Record: require(`${INSIDE}/recordBatch/record/v0`),
    decode: require(`${INSIDE}/recordBatch/v0/decoder`),
  };
}

installCodecs();
const theirs = inside();
replaceRecords();
const ours = inside();
const Decoder = require(`${INSIDE}/decoder`) as new (buffer: Buffer) => object;

const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 90 }));
const bytes = fc.uint8Array({ maxLength: 400 }).map((data) => Buffer.from(data));
const record = fc.record(
  {
    key: fc.oneof(text, bytes, fc.constant(null)),
    value: fc.oneof(text, bytes, fc.constant(null)),
    headers: fc.dictionary(
      // of names that every object has kafkajs makes something else
      fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !(name in {})),
      fc.oneof(text, bytes, fc.array(text, { minLength: 2, maxLength: 3 })),
      { noNullPrototype: true },
    ),
    timestampDelta: fc.integer({ min: -5_000_000_000, max: 5_000_000_000 }),
  },
  { requiredKeys: ['value'] },
);
const batch = fc.record({
  records: fc.array(record, { maxLength: 20 }),
  compression: fc.constantFrom(CompressionTypes.None, CompressionTypes.GZIP),
  transactional: fc.boolean(),
  firstTimestamp: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  maxTimestamp: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  producerEpoch: fc.nat(32_767),
  firstSequence: fc.nat(),
  firstOffset: fc.bigInt({ min: 0n, max: 2n ** 63n - 100n }),
});

type Parts = typeof batch extends fc.Arbitrary<infer B> ? B : never;
function write({ RecordBatch, Record }: Inside, { records, ...parts }: Parts): Promise<Encoder> {
  const made = records.map((one, offsetDelta) => Record({ ...one, offsetDelta }));
  return RecordBatch({ ...parts, records: made, lastOffsetDelta: Math.max(0, made.length - 1) });
}

/** What was read, without what only one of the two says. */
function plain({ records, isStampedByLog: _stamped, magicByte: _magic, ...context }: Decoded): object {
  return {
    ...context,
    records: records.map(({ batchContext: _context, headers, ...one }) => ({
      ...one,
      headers: Object.entries(headers),
    })),
  };
}

test('a batch is written byte for byte as kafkajs writes it', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (parts) => {
      const [mine, other] = [await write(ours, parts), await write(theirs, parts)];
      assert.equal(mine.size(), mine.buffer.length);
      assert.deepEqual(mine.buffer, other.buffer);
    }),
  );
});

test('batches are read as kafkajs reads them, one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 3 }), async (all) => {
      const written = await Promise.all(all.map((parts) => write(theirs, parts)));
      const fetched = Buffer.concat(written.map(({ buffer }) => buffer));
      const [mine, other] = [new Decoder(fetched), new Decoder(fetched)];
      for (const _ of all) assert.deepEqual(plain(await ours.decode(mine)), plain(await theirs.decode(other)));
    }),
  );
});

test('a header may be called what every object has', async () => {
  const headers = JSON.parse('{"constructor":"a","__proto__":"b","toString":["c","d"]}');
  const parts = { records: [{ value: '', headers }], firstTimestamp: 1, maxTimestamp: 1 } as unknown as Parts;
  const { records } = await ours.decode(new Decoder((await write(ours, parts)).buffer));
  const read = Object.entries(records[0]?.headers ?? {}).map(([name, value]) => [name, String(value)]);
  assert.deepEqual(read, [
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['toString', 'c,d'],
  ]);
});

test('a batch that is cut off is left for the next fetch', async () => {
  const parts = { records: [{ value: 'x'.repeat(100), headers: { a: 'b' } }], firstTimestamp: 1, maxTimestamp: 1 };
  const { buffer } = await write(ours, parts as unknown as Parts);
  for (let length = 61; length < buffer.length; length++) {
    await assert.rejects(ours.decode(new Decoder(buffer.subarray(0, length))), { name: 'KafkaJSPartialMessageError' });
  }
});

test('records that are not whole are an error', async () => {
  const parts = { records: [{ value: 'x'.repeat(100) }], firstTimestamp: 1, maxTimestamp: 1 };
  const { buffer } = await write(ours, parts as unknown as Parts);
  const broken = Buffer.from(buffer);
  // two records are promised
  broken.writeInt32BE(2, 57);
  await assert.rejects(ours.decode(new Decoder(broken)), RangeError);
});

test('the checksum is CRC-32C', () => {
  // RFC 3720, B.4
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(crc32c(Buffer.from('0123456789abcdef'), 3, 12), crc32c(Buffer.from('3456789ab')));
});
