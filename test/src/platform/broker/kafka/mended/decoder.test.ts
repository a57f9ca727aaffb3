import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { mendDecoder } from '../../../../../../src/platform/broker/kafka/mended/decoder.ts';

interface Written {
  buffer: Buffer;
}
interface Encoder extends Written {
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: unknown): Encoder;
  writeString(value: string): Encoder;
  writeBuffer(value: Buffer): Encoder;
}
interface RecordOf {
  key: string | null;
  value: Buffer | null;
  timestampDelta: number;
  offsetDelta: number;
  headers: Record<string, string>;
}
interface Answer {
  responses: { topicName: string; partitions: { partition: number; messages: Message[] }[] }[];
}
interface Message {
  headers: Record<string, unknown>;
  batchContext: object;
}

const inside = createRequire(import.meta.url);
const EncoderOf = inside('kafkajs/src/protocol/encoder') as new () => Encoder;
const response = inside('kafkajs/src/protocol/requests/fetch/v11/response') as { decode(b: Buffer): Promise<Answer> };
const recordOf = inside('kafkajs/src/protocol/recordBatch/record/v0') as (record: RecordOf) => Written;
const { RecordBatch } = inside('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: object): Promise<Written>;
};
const Long = inside('kafkajs/src/utils/long') as { fromValue(value: unknown): unknown };
const original = response.decode;

const text = fc.string({ maxLength: 20, unit: 'grapheme' });
const record = fc.record({
  key: fc.option(text),
  value: fc.option(fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all))),
  timestampDelta: fc.oneof(fc.integer({ min: -70, max: 20_000 }), fc.constantFrom(2 ** 27, 2 ** 31, 2 ** 40)),
  headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }), text, { maxKeys: 6, noNullPrototype: true }),
});
const batch = fc.record({
  records: fc.array(record, { maxLength: 6 }),
  firstOffset: fc.oneof(fc.nat(1_000_000), fc.constantFrom(2 ** 53 - 20, 2n ** 62n)),
  // none, none, gzip
  compression: fc.constantFrom<number>(0, 0, 0, 1),
  transactional: fc.constantFrom<boolean>(false, false, false, true),
});
const partition = fc.record({
  partition: fc.nat(20),
  errorCode: fc.constantFrom<number>(0),
  replica: fc.constantFrom<number>(-1, -1, 2),
  aborted: fc.constantFrom<number>(-1, 0, 0, 1),
  batches: fc.array(batch, { maxLength: 3 }),
  /** Bytes of the last batch that were cut off. */
  cut: fc.constantFrom<number>(0, 0, 5),
});
const answer = fc.array(fc.tuple(fc.constantFrom('trades', 'raw_frames'), fc.array(partition, { maxLength: 4 })), {
  maxLength: 3,
});

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never;

async function batches(all: Drawn<typeof partition>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const { records, firstOffset, compression, transactional } of all.batches) {
    const written = await RecordBatch({
      ...{ compression, transactional, firstOffset: Long.fromValue(firstOffset), firstTimestamp: 1_760_000_000_000 },
      ...{ maxTimestamp: 1_760_000_000_500, lastOffsetDelta: records.length - 1, producerId: Long.fromValue(7) },
      records: records.map((one, i) => recordOf({ ...one, offsetDelta: i })),
    });
    parts.push(written.buffer);
  }
  const bytes = Buffer.concat(parts);
  return bytes.subarray(0, Math.max(0, bytes.length - all.cut));
}

async function encode(topics: Drawn<typeof answer>): Promise<Buffer> {
  const to = new EncoderOf().writeInt32(3).writeInt16(0).writeInt32(0).writeInt32(topics.length);
  for (const [name, partitions] of topics) {
    to.writeString(name).writeInt32(partitions.length);
    for (const one of partitions) {
      const bytes = await batches(one);
      to.writeInt32(one.partition).writeInt16(one.errorCode);
      for (const mark of [900, 800, 1]) to.writeInt64(mark);
      to.writeInt32(one.aborted);
      if (one.aborted > 0) to.writeInt64(7).writeInt64(0);
      to.writeInt32(one.replica).writeInt32(bytes.length).writeBuffer(bytes);
    }
  }
  return to.buffer;
}

/** Without partitions that say nothing, and with the texts of headers: what we make of what kafkajs says. */
function essence({ responses, ...rest }: Answer): object {
  const message = ({ headers, ...one }: Message): object => ({
    ...one,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().map(String)])),
  });
  const topics = responses.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions
      .filter(
        (one) => one.messages.length > 0 || (one as { preferredReadReplica?: number }).preferredReadReplica !== -1,
      )
      .map((one) => ({ ...one, messages: one.messages.map(message) })),
  }));
  return { ...rest, topics: topics.filter(({ partitions }) => partitions.length > 0) };
}

test('what is fetched is read as kafkajs reads it, less partitions that say nothing', async () => {
  await fc.assert(
    fc.asyncProperty(answer, async (topics) => {
      const payload = await encode(topics);
      const [wanted, ours] = [await original(payload), await mended()(payload)];
      assert.deepEqual(essence(ours), essence(wanted));
    }),
    { numRuns: 300 },
  );
});

function mended(): typeof original {
  mendDecoder();
  // once more does no harm
  mendDecoder();
  return response.decode;
}

test('an error of a partition is told although there are no messages', async () => {
  const failing = { partition: 1, errorCode: 1, replica: -1, aborted: 0, batches: [], cut: 0 };
  const payload = await encode([['trades', [{ ...failing, errorCode: 0, partition: 0 }, failing]]]);
  const { responses } = await mended()(payload);
  assert.deepEqual(
    responses.map(({ topicName, partitions }) => [topicName, partitions.map((one) => one.partition)]),
    [['trades', [1]]],
  );
});

test('plain answers do not go through kafkajs', async () => {
  const plain = { records: [], firstOffset: 5, compression: 0, transactional: false } as const;
  const records = [{ key: 'k', value: Buffer.from('v'), timestampDelta: 3, headers: { a: 'b' } }];
  const one = { partition: 0, errorCode: 0, replica: -1, aborted: 0, cut: 0, batches: [{ ...plain, records }] };
  const { responses } = await mended()(await encode([['trades', [one]]]));
  // kafkajs leaves the bytes of headers as they are
  assert.deepEqual(responses[0]?.partitions[0]?.messages[0]?.headers, { a: 'b' });
});
