/**
 * Puts our own reading and writing of record batches in the place of kafkajs's, which takes a third of the CPU of a process
 * that sends and reads market data. kafkajs loads its own with the first request of a kind, so that whoever comes before it wins.
 */
import { createRequire } from 'node:module';
import { type BatchContext, type ReadRecord, readRecords } from './record-reader.ts';
import { type BatchToWrite, type RecordToWrite, writeBatch, writePackedBatch, writeRecords } from './record-writer.ts';

const INSIDE = 'kafkajs/src/protocol';
const MAGIC = 2;
const PACKED = 0x07;
const STAMPED_BY_LOG = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** What kafkajs takes for an encoder. */
interface Encoded {
  buf: Buffer;
  buffer: Buffer;
  size(): number;
}

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(packed: Buffer): Promise<Buffer>;
}
interface Codecs {
  lookupCodecByAttributes(attributes: number): Codec | null;
}

/** 64 bits as kafkajs has them. */
type Long = { toString(): string } | string | number | bigint;

interface BatchParts {
  records: readonly RecordToWrite[];
  compression?: number;
  transactional?: boolean;
  firstOffset?: Long;
  firstTimestamp: Long;
  maxTimestamp: Long;
  producerId?: Long;
  partitionLeaderEpoch?: number;
  lastOffsetDelta?: number;
  producerEpoch?: number;
  firstSequence?: number;
}

interface Decoder {
  buffer: Buffer;
  offset: number;
}

/** Once for the whole process, before the first request. Throws if kafkajs's inside is not what this was written for. */
export function replaceRecords(): void {
  const require = createRequire(import.meta.url);
  const batch = require(`${INSIDE}/recordBatch/v0`) as { RecordBatch?: unknown };
  const codecs = require(`${INSIDE}/message/compression`) as Codecs;
  const { KafkaJSPartialMessageError: Partial } = require('kafkajs/src/errors') as {
    KafkaJSPartialMessageError: new (message: string) => Error;
  };
  const paths = ['recordBatch/record/v0', 'recordBatch/v0/decoder'].map((path) => `${INSIDE}/${path}`);
  const [record, decoder] = paths.map((path) => {
    require(path);
    return require.cache[require.resolve(path)];
  });
  if (typeof batch.RecordBatch !== 'function' || !record || !decoder || typeof Partial !== 'function') {
    throw new Error('kafkajs is not 2.2.4 inside');
  }
  batch.RecordBatch = (parts: BatchParts) => encode(parts, codecs);
  record.exports = (parts: RecordToWrite) => parts;
  decoder.exports = (from: Decoder) => decode(from, codecs, (message) => new Partial(message));
}

async function encode(parts: BatchParts, codecs: Codecs): Promise<Encoded> {
  const { records, compression = 0, transactional = false } = parts;
  const whole = (value: Long): bigint => BigInt(value.toString());
  const batch: BatchToWrite = {
    records,
    attributes: (compression & PACKED) | (transactional ? TRANSACTIONAL : 0),
    lastOffsetDelta: parts.lastOffsetDelta ?? 0,
    firstOffset: whole(parts.firstOffset ?? 0),
    firstTimestamp: whole(parts.firstTimestamp),
    maxTimestamp: whole(parts.maxTimestamp),
    partitionLeaderEpoch: parts.partitionLeaderEpoch ?? 0,
    producerId: whole(parts.producerId ?? -1),
    producerEpoch: parts.producerEpoch ?? 0,
    firstSequence: parts.firstSequence ?? 0,
  };
  const codec = codecs.lookupCodecByAttributes(compression);
  const bytes = codec
    ? writePackedBatch(batch, await codec.compress({ buffer: writeRecords(records) }))
    : writeBatch(batch);
  return { buf: bytes, buffer: bytes, size: () => bytes.length };
}

/** One batch off the front of what was fetched. What is cut off at its end comes again with the next fetch. */
async function decode(
  from: Decoder,
  codecs: Codecs,
  partial: (message: string) => Error,
): Promise<BatchContext & { records: ReadRecord[] }> {
  const { buffer, offset } = from;
  const length = buffer.readInt32BE(offset + 8);
  const at = offset + 12;
  from.offset = at + length;
  if (from.offset > buffer.length) throw partial(`${buffer.length - at} of ${length} bytes of a record batch`);
  const long = (place: number): string => String(buffer.readBigInt64BE(place));
  const attributes = buffer.readInt16BE(at + 9);
  const context: BatchContext = {
    magicByte: MAGIC,
    firstOffset: long(offset),
    partitionLeaderEpoch: buffer.readInt32BE(at),
    inTransaction: (attributes & TRANSACTIONAL) > 0,
    isControlBatch: (attributes & CONTROL) > 0,
    timestampType: attributes & STAMPED_BY_LOG ? 1 : 0,
    isStampedByLog: (attributes & STAMPED_BY_LOG) > 0,
    lastOffsetDelta: buffer.readInt32BE(at + 11),
    firstTimestamp: long(at + 15),
    maxTimestamp: long(at + 23),
    producerId: long(at + 31),
    producerEpoch: buffer.readInt16BE(at + 39),
    firstSequence: buffer.readInt32BE(at + 41),
  };
  const count = buffer.readInt32BE(at + 45);
  const records = buffer.subarray(at + 49, at + length);
  const codec = codecs.lookupCodecByAttributes(attributes);
  if (count <= 0) return { ...context, records: [] };
  const plain = codec ? await codec.decompress(records) : records;
  return { ...context, records: readRecords(plain, 0, count, context) };
}
