/** A record of Kafka's message format, version 2, written in one pass: https://kafka.apache.org/documentation/#record */

/** As kafkajs gives it. */
export interface OutgoingRecord {
  offsetDelta?: number;
  timestampDelta?: unknown;
  key?: unknown;
  value?: unknown;
  headers?: Record<string, unknown>;
}

/** What kafkajs needs of its own encoder to take it over. */
export interface WrittenRecord {
  readonly buf: Buffer;
  readonly offset: number;
  readonly buffer: Buffer;
}

/** A number whose zigzag is 32 bits wide. */
const MAX_SMALL = 0x3fffffff;

const isSmall = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_SMALL;

/** Bytes that a small number takes, zigzag and base 128. */
function sizeOf(value: number): number {
  if (value < 0x40) return 1;
  if (value < 0x2000) return 2;
  if (value < 0x100000) return 3;
  return value < 0x8000000 ? 4 : 5;
}

type Bytes = Buffer | string | null;

/** What it is and takes as bytes; null for what kafkajs shall see to itself. */
function bytesOf(value: unknown): { bytes: Bytes; length: number } | null {
  if (value === null || value === undefined) return { bytes: null, length: -1 };
  if (typeof value === 'string') return { bytes: value, length: Buffer.byteLength(value) };
  return Buffer.isBuffer(value) ? { bytes: value, length: value.length } : null;
}

/** The record's bytes; null where it has what is rare, and kafkajs shall see to it itself. */
export function writeRecord(record: OutgoingRecord): WrittenRecord | null {
  const { offsetDelta = 0, timestampDelta = 0, headers = {} } = record;
  if (!isSmall(offsetDelta) || !isSmall(timestampDelta)) return null;
  const key = bytesOf(record.key);
  const value = bytesOf(record.value);
  if (!key || !value) return null;
  let size = 1 + sizeOf(timestampDelta) + sizeOf(offsetDelta) + sizeWith(key.length) + sizeWith(value.length);
  const texts: Bytes[] = [];
  const lengths: number[] = [];
  for (const name of Object.keys(headers)) {
    const header = bytesOf(headers[name]);
    if (!header || header.bytes === null) return null;
    const nameLength = Buffer.byteLength(name);
    size += sizeWith(nameLength) + sizeWith(header.length);
    texts.push(name, header.bytes);
    lengths.push(nameLength, header.length);
  }
  size += sizeOf(texts.length / 2);
  const total = sizeOf(size) + size;
  const buf = Buffer.allocUnsafe(total);
  let at = writeSmall(buf, 0, size);
  buf[at++] = 0;
  at = writeSmall(buf, at, timestampDelta);
  at = writeSmall(buf, at, offsetDelta);
  at = writeBytes(buf, at, key.bytes, key.length);
  at = writeBytes(buf, at, value.bytes, value.length);
  at = writeSmall(buf, at, texts.length / 2);
  for (let i = 0; i < texts.length; i++) at = writeBytes(buf, at, texts[i] as Bytes, lengths[i] as number);
  return { buf, offset: total, buffer: buf };
}

/** Of bytes and their length before them; -1 stands for none. */
function sizeWith(length: number): number {
  return length < 0 ? 1 : sizeOf(length) + length;
}

function writeSmall(into: Buffer, at: number, value: number): number {
  let rest = (value << 1) >>> 0;
  let next = at;
  while (rest > 0x7f) {
    into[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[next++] = rest;
  return next;
}

function writeBytes(into: Buffer, at: number, bytes: Bytes, length: number): number {
  if (bytes === null) {
    // the zigzag of -1
    into[at] = 1;
    return at + 1;
  }
  const start = writeSmall(into, at, length);
  if (typeof bytes === 'string') into.write(bytes, start, length);
  else bytes.copy(into, start);
  return start + length;
}
