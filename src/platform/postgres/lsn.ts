/** Positions in PostgreSQL's write-ahead log, as bigint; PostgreSQL writes them as two hexadecimal halves, `16/B374D848`. */

/** The position that `text` names. Throws RangeError where it names none. */
export function parseLsn(text: string): bigint {
  const [, high, low] = /^([0-9a-f]{1,8})\/([0-9a-f]{1,8})$/i.exec(text) ?? [];
  if (!high || !low) throw new RangeError(`not a position in the log: ${text}`);
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** The inverse of `parseLsn`. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}
