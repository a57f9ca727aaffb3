/**
 * Opaque texts that clients hand back: the cursor of a live stream and the position in a paged list. Both are base64url
 * of a versioned text with a check of what they belong to, so that one from elsewhere is refused and not misread.
 */
import { crc32 } from 'node:zlib';

/** A place in one live stream; `stream` is the check of its name. */
export interface Cursor {
  stream: string;
  epoch: string;
  sequence: bigint;
}

const VERSION = '1';
const SEQUENCE = /^(?:0|[1-9][0-9]{0,18})$/;
const CHECK = /^[0-9a-z]{1,7}$/;
/** Longer than any of ours can be. */
const MAX_LENGTH = 600;

/** Check of a name: CRC-32 in base 36. Tells a foreign text from an own one, protects against nothing else. */
function check(name: string): string {
  return crc32(name).toString(36);
}

/** The parts, and a check of all of them: half a cursor must not pass for another one. */
function pack(parts: readonly string[]): string {
  const content = parts.join('\n');
  return Buffer.from(`${content}\n${check(content)}`).toString('base64url');
}

function unpack(text: string): string[] {
  if (text.length > MAX_LENGTH || !/^[\w-]+$/.test(text)) return [];
  const content = Buffer.from(text, 'base64url').toString('utf8');
  const parts = content.split('\n').slice(0, -1);
  // no id of ours has U+0000, and PostgreSQL takes no text that has
  if (content.includes('\0')) return [];
  // one spelling only: no stray bits at the end
  return pack(parts) === text ? parts : [];
}

/** What all cursors of a stream begin with, before they are base64url: sequence and epoch follow, and the check. */
export function cursorHead(streamKey: string): string {
  return `c\n${VERSION}\n${check(streamKey)}\n`;
}

/** The cursor of a place in the stream with this key. An empty epoch with sequence 0 is the place before its first event. */
export function encodeCursor(streamKey: string, at: { epoch: string; sequence: bigint }): string {
  return pack(['c', VERSION, check(streamKey), String(at.sequence), at.epoch]);
}

/** The inverse of `encodeCursor`; null for what is not a cursor of ours. */
export function decodeCursor(text: string): Cursor | null {
  const [kind, version, stream, sequence, epoch, rest] = unpack(text);
  if (kind !== 'c' || version !== VERSION || rest !== undefined) return null;
  if (!stream || !CHECK.test(stream) || !sequence || !SEQUENCE.test(sequence) || epoch === undefined) return null;
  return { stream, epoch, sequence: BigInt(sequence) };
}

/** True where the cursor was made for the stream with this key. */
export function isCursorOf(streamKey: string, cursor: Cursor): boolean {
  return cursor.stream === check(streamKey);
}

/** Position of a row in a list: `question` says which list in which order, `key` are the row's sort values as text. */
export function encodePosition(question: string, key: readonly string[]): string {
  return pack(['p', VERSION, check(question), ...key]);
}

/** The sort values of a position in that very list; null for any other text. `parts` is how many there must be. */
export function decodePosition(question: string, text: string, parts: number): string[] | null {
  const [kind, version, list, ...key] = unpack(text);
  return kind === 'p' && version === VERSION && list === check(question) && key.length === parts ? key : null;
}
