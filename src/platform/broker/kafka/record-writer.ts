/**
 * Record batches as they go to Kafka, written into one buffer. kafkajs makes an encoder of half a kilobyte for each record and
 * each of its headers, and copies every byte six times. Kafka's message format, version 2:
 * https://kafka.apache.org/documentation/#recordbatch
 */
import { crc32c } from './crc32c.ts';

/** As kafkajs hands it over. */
export interface RecordToWrite {
  key?: Buffer | string | null;
  value?: Buffer | string | null;
  headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
  offsetDelta?: number;
  timestampDelta?: number;
}
type HeaderValue = Buffer | string | null | undefined;

export interface BatchToWrite {
  records: readonly RecordToWrite[];
  attributes: number;
  lastOffsetDelta: number;
  firstOffset: bigint;
  firstTimestamp: bigint;
  maxTimestamp: bigint;
  partitionLeaderEpoch: number;
  producerId: bigint;
  producerEpoch: number;
  firstSequence: number;
}

const MAGIC = 2;
/** Where the fields of a batch begin. */
const AT = {
  ...{ firstOffset: 0, length: 8, leaderEpoch: 12, magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23 },
  ...{ firstTimestamp: 27, maxTimestamp: 35, producerId: 43, producerEpoch: 51, firstSequence: 53, count: 57 },
  records: 61,
} as const;
/** Plain text up to this length is written by hand sooner than by a call. */
const SHORT = 64;

/** Writes into a buffer that is large enough. */
class Cursor {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  varint(value: number): void {
    let rest = zigzag(value);
    // beyond 32 bits shifts would not do
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#bytes[this.at++] = (rest % 128) | 0x80;
    this.#bytes[this.at++] = rest;
  }

  /** Length and bytes; -1 where there are none. */
  field(value: HeaderValue): void {
    if (value === null || value === undefined) this.varint(-1);
    else if (typeof value === 'string') this.#text(value);
    else {
      this.varint(value.length);
      this.#bytes.set(value, this.at);
      this.at += value.length;
    }
  }

  byte(value: number): void {
    this.#bytes[this.at++] = value;
  }

  #text(text: string): void {
    const size = sizeOfText(text);
    this.varint(size);
    if (size === text.length && size < SHORT) {
      for (let i = 0; i < size; i++) this.#bytes[this.at + i] = text.charCodeAt(i);
    } else {
      this.#bytes.write(text, this.at, size, 'utf8');
    }
    this.at += size;
  }
}

/** The records one after the other. */
export function writeRecords(records: readonly RecordToWrite[]): Buffer {
  const { sized, size } = sizeOf(records);
  const bytes = Buffer.allocUnsafe(size);
  putRecords(bytes, 0, sized);
  return bytes;
}

/** A batch of records that are not packed. */
export function writeBatch(batch: BatchToWrite): Buffer {
  const { sized, size } = sizeOf(batch.records);
  const bytes = Buffer.allocUnsafe(AT.records + size);
  putRecords(bytes, AT.records, sized);
  return seal(bytes, batch);
}

/** A batch of records that were packed by a codec. */
export function writePackedBatch(batch: BatchToWrite, packed: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(AT.records + packed.length);
  packed.copy(bytes, AT.records);
  return seal(bytes, batch);
}

function seal(bytes: Buffer, batch: BatchToWrite): Buffer {
  bytes.writeBigInt64BE(batch.firstOffset, AT.firstOffset);
  bytes.writeInt32BE(bytes.length - AT.leaderEpoch, AT.length);
  bytes.writeInt32BE(batch.partitionLeaderEpoch, AT.leaderEpoch);
  bytes.writeInt8(MAGIC, AT.magic);
  bytes.writeInt16BE(batch.attributes, AT.attributes);
  bytes.writeInt32BE(batch.lastOffsetDelta, AT.lastOffsetDelta);
  bytes.writeBigInt64BE(batch.firstTimestamp, AT.firstTimestamp);
  bytes.writeBigInt64BE(batch.maxTimestamp, AT.maxTimestamp);
  bytes.writeBigInt64BE(batch.producerId, AT.producerId);
  bytes.writeInt16BE(batch.producerEpoch, AT.producerEpoch);
  bytes.writeInt32BE(batch.firstSequence, AT.firstSequence);
  bytes.writeInt32BE(batch.records.length, AT.count);
  bytes.writeUInt32BE(crc32c(bytes, AT.attributes), AT.crc);
  return bytes;
}

/** A record, the bytes of what follows its length, and its headers. */
interface Sized {
  record: RecordToWrite;
  body: number;
  headers: readonly HeaderValue[];
}

function sizeOf(records: readonly RecordToWrite[]): { sized: Sized[]; size: number } {
  let size = 0;
  const sized = records.map((record): Sized => {
    const headers = headersOf(record);
    let body = 1 + sizeOfVarint(record.timestampDelta ?? 0) + sizeOfVarint(record.offsetDelta ?? 0);
    body += sizeOfField(record.key) + sizeOfField(record.value) + sizeOfVarint(headers.length >> 1);
    for (const part of headers) body += sizeOfField(part);
    size += sizeOfVarint(body) + body;
    return { record, body, headers };
  });
  return { sized, size };
}

function putRecords(bytes: Buffer, from: number, records: readonly Sized[]): void {
  const cursor = new Cursor(bytes, from);
  for (const { record, body, headers } of records) {
    cursor.varint(body);
    // attributes: none are in use
    cursor.byte(0);
    cursor.varint(record.timestampDelta ?? 0);
    cursor.varint(record.offsetDelta ?? 0);
    cursor.field(record.key);
    cursor.field(record.value);
    cursor.varint(headers.length >> 1);
    for (const part of headers) cursor.field(part);
  }
}

/** Names and values in turn; a name that has several values is there several times. */
function headersOf({ headers }: RecordToWrite): HeaderValue[] {
  const parts: HeaderValue[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) for (const one of value as HeaderValue[]) parts.push(name, one);
    else parts.push(name, value as HeaderValue);
  }
  return parts;
}

function sizeOfField(value: HeaderValue): number {
  if (value === null || value === undefined) return 1;
  const size = typeof value === 'string' ? sizeOfText(value) : value.length;
  return sizeOfVarint(size) + size;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Bytes of a text in UTF-8. */
function sizeOfText(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}
