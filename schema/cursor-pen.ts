/** Writes the cursors of one stream as `encodeCursor` does, one an event: what they begin with is worked out once. */
import { crc32 } from 'node:zlib';
import { cursorHead, encodeCursor } from './cursor.ts';

/** CRC-32 (RFC 1952 8) of every byte. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const NEWLINE = 10;
/** The longest number in base 36 or 10 that is written here has fewer digits. */
const WIDTH = 20;

/** What is being written, of all pens: it is read before another one writes. */
const page = Buffer.alloc(512);
const digits = new Uint8Array(WIDTH);

/** Puts a whole number in `base` on the page, from `at` on. Returns where it ends. */
function number(value: number, base: number, at: number): number {
  let first = WIDTH;
  for (let rest = value; first === WIDTH || rest > 0; ) {
    const more = Math.floor(rest / base);
    digits[--first] = DIGITS.charCodeAt(rest - more * base);
    rest = more;
  }
  let end = at;
  while (first < WIDTH) page[end++] = digits[first++] as number;
  return end;
}

/** Puts text on the page, from `at` on. Returns where it ends; -1 where it is not ASCII. */
function text(ascii: string, at: number): number {
  for (let i = 0; i < ascii.length; i++) {
    const code = ascii.charCodeAt(i);
    if (code > 127) return -1;
    page[at + i] = code;
  }
  return at + ascii.length;
}

export class CursorPen {
  private readonly head: string;
  private readonly check: number;

  /** Of the stream with this key. */
  constructor(private readonly stream: string) {
    this.head = cursorHead(stream);
    this.check = crc32(this.head);
  }

  /** The cursor of a place in it. */
  write(epoch: string, sequence: bigint): string {
    const from = text(this.head, 0);
    const figure = Number(sequence);
    if (figure > Number.MAX_SAFE_INTEGER || epoch.length > 256) return encodeCursor(this.stream, { epoch, sequence });
    let end = number(figure, 10, from);
    page[end++] = NEWLINE;
    end = text(epoch, end);
    if (end < 0) return encodeCursor(this.stream, { epoch, sequence });
    let crc = ~this.check;
    for (let i = from; i < end; i++) crc = (TABLE[(crc ^ (page[i] as number)) & 255] as number) ^ (crc >>> 8);
    page[end++] = NEWLINE;
    end = number(~crc >>> 0, 36, end);
    return page.toString('base64url', 0, end);
  }
}
