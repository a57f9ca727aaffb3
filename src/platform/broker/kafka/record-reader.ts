/**
 * Record batches as they come from Kafka. kafkajs cuts out each record, wraps it into a decoder, computes with 64-bit objects
 * and copies the headers once for each header. Kafka's message format, version 2:
 * https://kafka.apache.org/documentation/#recordbatch
 */

/** What kafkajs knows of the batch; it comes with every record. */
export interface BatchContext {
  firstOffset: string;
  firstTimestamp: string;
  maxTimestamp: string;
  isControlBatch: boolean;
  /** True where the broker's clock stamped the batch, with `maxTimestamp`. */
  isStampedByLog: boolean;
  magicByte: number;
  [known: string]: unknown;
}

/** A record as kafkajs hands it on. */
export interface ReadRecord {
  magicByte: number;
  attributes: number;
  timestamp: string;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, Buffer | (Buffer | null)[] | null>;
  isControlRecord: boolean;
  batchContext: BatchContext;
}

/** Zigzag varints of a buffer, from `at` on. */
class Cursor {
  at: number;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Throws RangeError at the buffer's end, and for more than a double holds. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('a record is cut off');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number of a record is too large');
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Null where the length is negative. */
  field(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError('a record is cut off');
    const found = this.bytes.subarray(this.at, end);
    this.at = end;
    return found;
  }

  text(): string {
    const length = this.varint();
    const end = this.at + Math.max(0, length);
    if (end > this.bytes.length) throw new RangeError('a record is cut off');
    const found = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return found;
  }
}

/** Reads `count` records that lie one after the other from `at` on. Throws RangeError where they are not whole. */
export function readRecords(bytes: Buffer, at: number, count: number, batch: BatchContext): ReadRecord[] {
  const cursor = new Cursor(bytes, at);
  const offsetOf = adder(batch.firstOffset);
  const timeOf = adder(batch.firstTimestamp);
  const records: ReadRecord[] = [];
  for (let i = 0; i < count; i++) {
    const length = cursor.varint();
    const end = cursor.at + length;
    const attributes = bytes.readInt8(cursor.at++);
    const timestampDelta = cursor.varint();
    const offset = offsetOf(cursor.varint());
    records.push({
      magicByte: batch.magicByte,
      attributes,
      timestamp: batch.isStampedByLog ? batch.maxTimestamp : timeOf(timestampDelta),
      offset,
      key: cursor.field(),
      value: cursor.field(),
      headers: readHeaders(cursor),
      isControlRecord: batch.isControlBatch,
      batchContext: batch,
    });
    // what a later format may add
    cursor.at = end;
  }
  return records;
}

/** A property like any other, whatever it is called. */
const OWN = { enumerable: true, writable: true, configurable: true };

function readHeaders(cursor: Cursor): ReadRecord['headers'] {
  const headers: ReadRecord['headers'] = {};
  for (let left = cursor.varint(); left > 0; left--) {
    const name = cursor.text();
    const value = cursor.field();
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (name === '__proto__') Object.defineProperty(headers, name, { ...OWN, value });
    else if (before === undefined) headers[name] = value;
    else headers[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers;
}

/** Adds to a whole number in text, however large. */
function adder(base: string): (delta: number) => string {
  const number = Number(base);
  if (Math.abs(number) < Number.MAX_SAFE_INTEGER / 2) return (delta) => String(number + delta);
  return (delta) => String(BigInt(base) + BigInt(delta));
}
