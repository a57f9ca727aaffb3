/**
 * Makes kafkajs 2.2.4's writing of requests cheaper; the bytes are the same. Its encoder takes 512 zeroed bytes outside of
 * the heap for everything that is written, and a list and a buffer for every number.
 */
import { createRequire } from 'node:module';

/** As kafkajs names them. */
interface Encoder {
  buf: Buffer;
  offset: number;
  ensureAvailable(length: number): void;
  writeUVarInt(value: number): Encoder;
  writeEncoderArray(value: readonly Encoder[]): Encoder;
}

interface EncoderClass {
  prototype: Encoder;
  nextPowerOfTwo(value: number): number;
}

/** What its constructor asks for where nobody says how much, and what it gets: V8 keeps so much on the heap. */
const DEFAULT_SIZE = 511;
const FIRST_SIZE = 64;

/** The next power of two above a number of bytes. */
const sizeFor = (bytes: number): number => 2 ** (32 - Math.clz32(bytes));

/** Mends the encoder; once for the whole process. Throws if its inside is no longer what this was written for. */
export function mendEncoder(): void {
  const encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as EncoderClass;
  const { nextPowerOfTwo, prototype } = encoder;
  const { writeUVarInt, writeEncoderArray } = prototype;
  const known = [nextPowerOfTwo, writeUVarInt, writeEncoderArray, prototype.ensureAvailable];
  if (known.some((member) => typeof member !== 'function')) throw new Error('kafkajs is not 2.2.4 inside');

  // its constructor asks here, and nobody else does any more
  encoder.nextPowerOfTwo = (value) => (value === DEFAULT_SIZE ? FIRST_SIZE : sizeFor(value));

  prototype.ensureAvailable = function ensureAvailable(this: Encoder, length: number): void {
    const wanted = this.offset + length;
    if (wanted <= this.buf.length) return;
    // nobody reads beyond `offset`, so that it need not be zeroed
    const larger = Buffer.allocUnsafe(sizeFor(wanted));
    this.buf.copy(larger, 0, 0, this.offset);
    this.buf = larger;
  };

  prototype.writeUVarInt = function writeUVarInt(this: Encoder, value: number): Encoder {
    this.ensureAvailable(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.buf[this.offset++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buf[this.offset++] = rest;
    return this;
  };

  prototype.writeEncoderArray = function writeAll(this: Encoder, value: readonly Encoder[]): Encoder {
    // it has the last word on what is none
    if (!Array.isArray(value) || value.some((one) => one == null || !Buffer.isBuffer(one.buf))) {
      return writeEncoderArray.call(this, value);
    }
    let length = 0;
    for (const { offset } of value) length += offset;
    this.ensureAvailable(length);
    for (const { buf, offset } of value) {
      buf.copy(this.buf, this.offset, 0, offset);
      this.offset += offset;
    }
    return this;
  };
}
