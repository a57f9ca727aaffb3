/** CRC-32C (Castagnoli), eight bytes at a time: https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 names the polynomial. */

/** Its bits in reverse, as a table by byte wants them. */
const POLYNOMIAL = 0x82f63b78;
const STEPS = 8;

/** `TABLES[n * 256 + byte]`: what a byte with n bytes after it does to the checksum. */
const TABLES = new Int32Array(STEPS * 256);
for (let byte = 0; byte < 256; byte++) {
  let bits = byte;
  for (let i = 0; i < 8; i++) bits = bits & 1 ? (bits >>> 1) ^ POLYNOMIAL : bits >>> 1;
  TABLES[byte] = bits;
}
for (let i = 256; i < TABLES.length; i++) {
  const before = TABLES[i - 256] as number;
  TABLES[i] = (before >>> 8) ^ (TABLES[before & 0xff] as number);
}

/** The checksum as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  const t = TABLES;
  const b = bytes;
  let crc = -1;
  let i = 0;
  for (const end = b.length - STEPS; i <= end; i += STEPS) {
    const low =
      crc ^
      ((b[i] as number) | ((b[i + 1] as number) << 8) | ((b[i + 2] as number) << 16) | ((b[i + 3] as number) << 24));
    crc =
      (t[1792 + (low & 0xff)] as number) ^
      (t[1536 + ((low >>> 8) & 0xff)] as number) ^
      (t[1280 + ((low >>> 16) & 0xff)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (b[i + 4] as number)] as number) ^
      (t[512 + (b[i + 5] as number)] as number) ^
      (t[256 + (b[i + 6] as number)] as number) ^
      (t[b[i + 7] as number] as number);
  }
  for (; i < b.length; i++) crc = (t[(crc ^ (b[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
