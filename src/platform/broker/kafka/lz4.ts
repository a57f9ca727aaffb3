/**
 * Reads the LZ4 frame format, as Kafka's producers write it. Checksums are not looked at: Kafka's own covers the batch.
 * https://github.com/lz4/lz4/blob/v1.10.0/doc/lz4_Frame_format.md and lz4_Block_format.md
 */

const MAGIC = 0x184d2204;
const MIN_MATCH = 4;

/** The bytes of a frame. Throws when it is no LZ4 frame, is damaged, or holds more than `maxBytes`. */
export function unpackLz4(frame: Buffer, maxBytes: number): Buffer {
  if (frame.length < 7 || frame.readUInt32LE(0) !== MAGIC) throw new Error('not an LZ4 frame');
  const flags = frame.readUInt8(4);
  if (flags >> 6 !== 1) throw new Error(`LZ4 frame of version ${flags >> 6}`);
  const [blockChecksum, contentSize, dictionary] = [flags & 0x10, flags & 0x08, flags & 0x01];
  if (dictionary) throw new Error('LZ4 frame needs a dictionary');
  const out = new Output(maxBytes);
  // flags, block descriptor, content size where given, header checksum
  let at = 4 + 2 + (contentSize ? 8 : 0) + 1;
  for (;;) {
    if (at + 4 > frame.length) throw new Error('LZ4 frame is cut off');
    const word = frame.readUInt32LE(at);
    at += 4;
    if (word === 0) return out.bytes();
    const [size, stored] = [word & 0x7fffffff, word >= 0x80000000];
    if (at + size > frame.length) throw new Error('LZ4 block is cut off');
    const block = frame.subarray(at, at + size);
    if (stored) out.append(block, 0, size);
    else unpackBlock(block, out);
    at += size + (blockChecksum ? 4 : 0);
  }
}

function unpackBlock(block: Buffer, out: Output): void {
  let at = 0;
  const next = (): number => {
    const byte = block[at];
    if (byte === undefined) throw new Error('LZ4 block is damaged');
    at += 1;
    return byte;
  };
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble === 15) {
      let more: number;
      do {
        more = next();
        total += more;
      } while (more === 255);
    }
    return total;
  };
  while (at < block.length) {
    const token = next();
    const literals = length(token >> 4);
    if (at + literals > block.length) throw new Error('LZ4 block is damaged');
    out.append(block, at, literals);
    at += literals;
    // the last sequence of a block is literals only
    if (at === block.length) return;
    const distance = next() | (next() << 8);
    out.repeat(distance, length(token & 15) + MIN_MATCH);
  }
}

/** Grows as needed, up to its bound; matches may reach back into earlier blocks. */
class Output {
  #buffer = Buffer.allocUnsafe(65_536);
  #length = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  append(source: Buffer, from: number, count: number): void {
    this.#reserve(count);
    source.copy(this.#buffer, this.#length, from, from + count);
    this.#length += count;
  }

  repeat(distance: number, count: number): void {
    if (distance === 0 || distance > this.#length) throw new Error('LZ4 match reaches before the data');
    this.#reserve(count);
    const start = this.#length - distance;
    if (distance >= count) this.#buffer.copyWithin(this.#length, start, start + count);
    // an overlapping match repeats what it is just writing
    else for (let i = 0; i < count; i++) this.#buffer[this.#length + i] = this.#buffer[start + i] ?? 0;
    this.#length += count;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.#maxBytes) throw new Error(`unpacks to more than ${this.#maxBytes} bytes`);
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(needed, this.#buffer.length * 2)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
