import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { FILLER_HEADER, installCodecs, UNDECODABLE_HEADER } from '../../../../../src/platform/broker/kafka/codecs.ts';
import { unpackLz4 } from '../../../../../src/platform/broker/kafka/lz4.ts';

const load = createRequire(import.meta.url);

interface DecodedRecord {
  offset: string;
  value: Buffer | null;
  headers: Record<string, Buffer>;
}

/** kafkajs's own reading of one record batch. */
async function decode(batch: Buffer): Promise<DecodedRecord[]> {
  const Decoder = load('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object;
  const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (
    decoder: object,
  ) => Promise<{ records: DecodedRecord[] }>;
  return (await decodeBatch(new Decoder(batch))).records;
}

/** A record batch as it lies in the log: https://kafka.apache.org/documentation/#recordbatch */
function batchOf(codec: number, packed: Buffer, count: number, firstOffset: bigint): Buffer {
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(firstOffset, 0);
  head.writeInt32BE(49 + packed.length, 8);
  head.writeInt8(2, 16);
  head.writeInt16BE(codec, 21);
  head.writeInt32BE(count - 1, 23);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, packed]);
}

describe('codecs', () => {
  before(() => installCodecs());

  for (const [codec, name] of [
    [1, 'gzip'],
    [2, 'snappy'],
    [3, 'lz4'],
    [4, 'zstd'],
    [6, 'codec 6'],
  ] as const) {
    test(`a batch in ${name} that can't be unpacked is one message with its bytes and the reason`, async () => {
      const packed = Buffer.from('this is no packed batch');
      const records = await decode(batchOf(codec, packed, 4, 100n));
      assert.deepEqual(
        records.map(({ offset }) => offset),
        ['100', '101', '102', '103'],
      );
      assert.deepEqual(records[0]?.value, packed);
      assert.match(String(records[0]?.headers[UNDECODABLE_HEADER]), new RegExp(`^${name}: .*\\(a batch of 4\\)$`));
      assert.ok(records.slice(1).every(({ value, headers }) => value === null && headers[FILLER_HEADER]));
    });
  }

  test('a batch that unpacks to too much is refused like one that is damaged', async () => {
    const bomb = gzipSync(Buffer.alloc(150_000_000));
    const [first] = await decode(batchOf(1, bomb, 1, 0n));
    assert.match(String(first?.headers[UNDECODABLE_HEADER]), /^gzip: /);
  });
});

/** An LZ4 frame of blocks that are each given packed or stored. */
function frameOf(blocks: readonly { bytes: Buffer; stored?: boolean }[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])];
  for (const { bytes, stored } of blocks) {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(stored ? (bytes.length | 0x80000000) >>> 0 : bytes.length);
    parts.push(size, bytes);
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

describe('LZ4 frames', () => {
  test('stored blocks, literals, overlapping matches and matches into an earlier block', () => {
    const stored = { bytes: Buffer.from('abcd'), stored: true };
    // literals "xy", then 7 bytes from 2 back; then the end: literals "z"
    const packed = { bytes: Buffer.from([0x23, 0x78, 0x79, 2, 0, 0x10, 0x7a]) };
    // no literals, 4 bytes from 13 back
    const reaching = { bytes: Buffer.from([0x00, 14, 0, 0x00]) };
    assert.equal(String(unpackLz4(frameOf([stored, packed, reaching]), 100)), 'abcdxyxyxyxyxzabcd');
  });

  test('never more than the bound, and an error for anything damaged', () => {
    const run = { bytes: Buffer.from([0x1f, 0x61, 1, 0, 255, 255, 255, 0, 0x00]) };
    assert.throws(() => unpackLz4(frameOf([run]), 500), /more than 500 bytes/);
    assert.throws(() => unpackLz4(frameOf([{ bytes: Buffer.from([0x00, 9, 0, 0]) }]), 500), /before the data/);
    assert.throws(() => unpackLz4(frameOf([run]).subarray(0, 12), 5_000), /cut off/);
    assert.throws(() => unpackLz4(Buffer.from('not a frame'), 5_000), /not an LZ4 frame/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
        try {
          assert.ok(unpackLz4(frameOf([{ bytes: Buffer.from(junk) }]), 10_000).length <= 10_000);
        } catch (error) {
          assert.match((error as Error).message, /LZ4|more than/);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
