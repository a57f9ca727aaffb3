/** Older entries of a stream of the in-memory live store, packed: they are much alike, and hardly one is read again. */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { StreamEntry } from '../store.ts';

const compress = promisify(zstdCompress);
/** Quick, and with little memory: a pack is some ten kilobytes. */
const FAST = {
  chunkSize: 65_536,
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 18 },
};
/** What a pack takes beside its bytes. */
const OVERHEAD = 200;
const TIME_BYTES = 8;

export interface Pack {
  /** Sequence of its first entry; they are dense. */
  readonly first: bigint;
  /** Times of its entries, epoch ms. */
  readonly times: readonly number[];
  /** What it takes, bytes. */
  readonly size: number;
  readonly bytes: Buffer;
}

type Row = [epoch: string, gap: string | null, time: number, logged: number | null, length: number];

/** Packs entries that follow each other, one at the least; on a thread of its own. Null for text that is no Unicode. */
export async function pack(entries: readonly StreamEntry[]): Promise<Pack | null> {
  const [oldest] = entries;
  if (!oldest) return null;
  const rows = entries.map(({ epoch, gap, time, logged, payload }): Row => [epoch, gap, time, logged, payload.length]);
  const text = `${JSON.stringify(rows)}\n${entries.map(({ payload }) => payload).join('')}`;
  if (!text.isWellFormed()) return null;
  const packed = await compress(text, FAST);
  // what comes may be cut from more
  const bytes = Buffer.allocUnsafeSlow(packed.length);
  packed.copy(bytes);
  const size = OVERHEAD + bytes.length + entries.length * TIME_BYTES;
  return { first: oldest.sequence, times: entries.map(({ time }) => time), size, bytes };
}

export function unpack({ first, bytes }: Pack): StreamEntry[] {
  const text = zstdDecompressSync(bytes).toString();
  let at = text.indexOf('\n');
  const rows: Row[] = JSON.parse(text.slice(0, at));
  at += 1;
  return rows.map(([epoch, gap, time, logged, length], n) => {
    const payload = text.slice(at, at + length);
    at += length;
    return { epoch, sequence: first + BigInt(n), payload, gap, time, logged };
  });
}
