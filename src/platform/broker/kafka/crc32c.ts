/** CRC-32C (Castagnoli), as Kafka seals its record batches with: eight bytes a step. */

const POLYNOMIAL = 0x82f63b78;
const STEP = 8;

/** TABLES[n][b]: what byte b adds when n more bytes of the step follow it. */
const TABLES = tables();

function tables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  const all: Int32Array[] = [first];
  for (let n = 1; n < STEP; n++) {
    all.push(all[n - 1]?.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] as number)) as Int32Array);
  }
  return all;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
];

/** The checksum of `data` from `start` up to and without `end`, as an unsigned 32-bit number. */
export function crc32c(data: Uint8Array, start = 0, end = data.length): number {
  let crc = -1;
  let i = start;
  for (; i + STEP <= end; i += STEP) {
    crc ^= byteAt(data, i) | (byteAt(data, i + 1) << 8) | (byteAt(data, i + 2) << 16) | (byteAt(data, i + 3) << 24);
    crc =
      entry(T7, crc & 0xff) ^
      entry(T6, (crc >>> 8) & 0xff) ^
      entry(T5, (crc >>> 16) & 0xff) ^
      entry(T4, crc >>> 24) ^
      entry(T3, byteAt(data, i + 4)) ^
      entry(T2, byteAt(data, i + 5)) ^
      entry(T1, byteAt(data, i + 6)) ^
      entry(T0, byteAt(data, i + 7));
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ entry(T0, (crc ^ byteAt(data, i)) & 0xff);
  return ~crc >>> 0;
}

function byteAt(data: Uint8Array, index: number): number {
  return data[index] as number;
}

function entry(table: Int32Array, index: number): number {
  return table[index] as number;
}
