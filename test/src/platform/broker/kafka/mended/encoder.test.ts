import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { mendEncoder } from '../../../../../../src/platform/broker/kafka/mended/encoder.ts';

interface Written {
  buffer: Buffer;
}
interface ProduceRequest {
  encode(): Promise<Written>;
}

const inside = createRequire(import.meta.url);
const produce = inside('kafkajs/src/protocol/requests/produce/v3/request') as (request: object) => ProduceRequest;
const Encoder = inside('kafkajs/src/protocol/encoder') as new () => Written & {
  writeVarInt(value: number): void;
  writeVarLong(value: unknown): void;
  writeEncoderArray(value: unknown): void;
};

const bytes = fc.uint8Array({ maxLength: 900 }).map((all) => Buffer.from(all));
const message = fc.record({
  key: fc.option(fc.string({ maxLength: 40, unit: 'grapheme' })),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 30 }), fc.oneof(fc.string({ maxLength: 200 }), bytes), {
    maxKeys: 8,
  }),
  timestamp: fc.constantFrom('1760000000000', '1760000000001', '1760000009999', undefined),
});
/** Records of every size about where a buffer of kafkajs ends. */
const sizes = Array.from({ length: 160 }, (_, n) => [{ key: 'k', value: Buffer.alloc(400 + n), headers: {} }]);
const several = fc.sample(fc.array(message, { minLength: 1, maxLength: 60 }), 60);
const requests = [...sizes, ...several].map((messages) => ({
  ...{ acks: -1, timeout: 30_000 },
  topicData: [{ topic: 'raw_frames', partitions: [{ partition: 3, firstSequence: 0, messages }] }],
}));
const edges = [0, 1, 63, 64, 8_191, 8_192, 2 ** 29, 2 ** 30 - 1];
const ints = [...edges, ...edges.map((n) => -n), 2 ** 30, 2 ** 31 - 1, -(2 ** 31)];
const longs = [...ints, 2 ** 31, 2 ** 40, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 63n - 1n, '1760000000000'];

/** All of them as kafkajs writes them now. `at` is the clock that the messages without a stamp get. */
async function written(at: number): Promise<string[]> {
  const now = Date.now;
  Date.now = () => at;
  try {
    const all: string[] = [];
    for (const request of requests) all.push((await produce(request).encode()).buffer.toString('hex'));
    const numbers = new Encoder();
    for (const value of ints) numbers.writeVarInt(value);
    for (const value of longs) numbers.writeVarLong(value);
    return [...all, numbers.buffer.toString('hex')];
  } finally {
    Date.now = now;
  }
}

test('requests are the same bytes as without the mending, and so are numbers of any size', async () => {
  const before = await written(1_760_000_020_000);
  mendEncoder();
  // once more does no harm
  mendEncoder();
  const after = await written(1_760_000_020_000);
  assert.deepEqual(after, before);
  assert.throws(() => new Encoder().writeEncoderArray([null]), /instance of Encoder/);
});
