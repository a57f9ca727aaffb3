/** Writes the cursors of one stream as `encodeCursor` does, one an event: what they begin with is worked out once. */
import { crc32 } from 'node:zlib';
import { cursorHead } from './cursor.ts';

export class CursorPen {
  private readonly head: string;
  private readonly check: number;

  /** Of the stream with this key. */
  constructor(stream: string) {
    this.head = cursorHead(stream);
    this.check = crc32(this.head);
  }

  /** The cursor of a place in it. */
  write(epoch: string, sequence: bigint): string {
    const place = `${sequence}\n${epoch}`;
    return Buffer.from(`${this.head}${place}\n${crc32(place, this.check).toString(36)}`).toString('base64url');
  }
}
