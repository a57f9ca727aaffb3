/**
 * The compression codecs kafkajs reads with, and what becomes of a record batch that can't be unpacked. kafkajs would
 * stop the consumer for good on such a batch. Here it turns into one message with the batch's packed bytes as its value
 * and the reason in a header: the worker's parse refuses it and it ends in the dead letters like any other bad message.
 */
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gzip, unzip, zstdDecompress } from 'node:zlib';
import { unpackLz4 } from './lz4.ts';
import { kafkajs } from './mended/kafkajs.ts';

/** Header of the message that stands for a batch that could not be unpacked; its value is the reason. */
export const UNDECODABLE_HEADER = 'undecodable';
/** Header of the empty messages that take the places of the rest of that batch; they are not handed on. */
export const FILLER_HEADER = 'undecodable-rest';

/** A batch that unpacks to more is refused. */
const MAX_BYTES = 134_217_728;

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(packed: Buffer): Promise<Buffer>;
}

const unzipAsync = promisify(unzip);
const gzipAsync = promisify(gzip);
// it comes without types
const snappyCodec = (createRequire(import.meta.url)('kafkajs-snappy') as () => Codec)();
const bound = { maxOutputLength: MAX_BYTES };

/** By codec number: the low three bits of a batch's attributes. */
const UNPACK: Readonly<Record<number, { name: string; unpack(packed: Buffer): Promise<Buffer> }>> = {
  1: { name: 'gzip', unpack: (packed) => unzipAsync(packed, bound) },
  2: { name: 'snappy', unpack: (packed) => snappyCodec.decompress(packed) },
  3: { name: 'lz4', unpack: async (packed) => unpackLz4(packed, MAX_BYTES) },
  4: { name: 'zstd', unpack: unpackZstd },
  5: unknownCodec(5),
  6: unknownCodec(6),
  7: unknownCodec(7),
};

async function unpackZstd(packed: Buffer): Promise<Buffer> {
  // there since Node 22.15
  if (!zstdDecompress) throw new Error(`Node ${process.versions.node} can't read it`);
  return promisify(zstdDecompress)(packed, bound);
}

function unknownCodec(number: number): (typeof UNPACK)[number] {
  return {
    name: `codec ${number}`,
    unpack: async () => {
      throw new Error('unknown');
    },
  };
}

/** Gives kafkajs its codecs; once for the whole process. */
export function installCodecs(): void {
  const codecs = kafkajs.CompressionCodecs as Record<number, () => Codec>;
  for (const [number, { name, unpack }] of Object.entries(UNPACK)) {
    codecs[Number(number)] = () => ({
      // we write nothing packed; gzip alone is here for whoever asks kafkajs for it
      compress: async ({ buffer }) => gzipAsync(buffer),
      async decompress(packed) {
        try {
          return await unpack(packed);
        } catch (error) {
          return standIn(packed, `${name}: ${(error as Error).message}`);
        }
      },
    });
  }
}

/** Where two fields of a record batch lie, counted back from its records. Kafka's message format, version 2. */
const COUNT_BEFORE = 4;
const LAST_OFFSET_DELTA_BEFORE = 38;

/**
 * Records as they would have come out of a packed batch: as many as its header says, the first with the packed bytes. A
 * batch that is no longer whole in memory counts as one record, and kafkajs's own error follows.
 */
function standIn(packed: Buffer, reason: string): Buffer {
  const header = Buffer.from(packed.buffer, 0, packed.byteOffset);
  if (header.length < LAST_OFFSET_DELTA_BEFORE) throw new Error(reason);
  const count = header.readInt32BE(header.length - COUNT_BEFORE);
  const lastDelta = header.readInt32BE(header.length - LAST_OFFSET_DELTA_BEFORE);
  const records = [record(0, packed, UNDECODABLE_HEADER, `${reason} (a batch of ${count})`)];
  for (let i = 1; i < count; i++) records.push(record(i === count - 1 ? lastDelta : i, null, FILLER_HEADER, ''));
  return Buffer.concat(records);
}

function record(offsetDelta: number, value: Buffer | null, header: string, headerValue: string): Buffer {
  const key = varint(-1);
  const headers = Buffer.concat([varint(1), bytes(Buffer.from(header)), bytes(Buffer.from(headerValue))]);
  const body = Buffer.concat([Buffer.from([0]), varint(0), varint(offsetDelta), key, bytes(value), headers]);
  return Buffer.concat([varint(body.length), body]);
}

function bytes(data: Buffer | null): Buffer {
  return data === null ? varint(-1) : Buffer.concat([varint(data.length), data]);
}

/** Zigzag and base 128, as protocol buffers do. */
function varint(value: number): Buffer {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  const out: number[] = [];
  while (rest > 0x7f) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...out, rest]);
}
