/**
 * Events to WebSockets that have agreed on permessage-deflate (RFC 7692), each message compressed by itself: what all
 * subscribers of a question have in common is compressed once, and the operation's name goes before it as it is.
 */
import { constants, deflateRawSync } from 'node:zlib';
import { frameOf, nextFrame, SocketOutlet } from './outlet.ts';

/** Less than this does not gain. */
const MIN_LENGTH = 256;
/** Results kept compressed: the newest of several questions, each for many subscribers. */
const KEPT = 64;
/** RFC 7692 7.2.1: the empty block at the end of a flushed message is left out. */
const TAIL = 4;

/** A whole text message with the bit that RFC 7692 6 gives to compressed ones. */
const COMPRESSED = '\xc1';

const kept = new Map<string, string>();

/** DEFLATE blocks of the text, the last one flushed; one character a byte. */
function deflated(ascii: string): string {
  const known = kept.get(ascii);
  if (known !== undefined) return known;
  const bytes = deflateRawSync(Buffer.from(ascii, 'latin1'), { finishFlush: constants.Z_SYNC_FLUSH });
  const text = bytes.toString('latin1', 0, bytes.length - TAIL);
  kept.set(ascii, text);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
  return text;
}

/** RFC 1951 3.2.4: a block of bytes as they are, not the last one. */
function stored(ascii: string): string {
  const { length } = ascii;
  const [low, high] = [length & 255, length >>> 8];
  return `\0${String.fromCharCode(low, high, low ^ 255, high ^ 255)}${ascii}`;
}

/** As `nextFrame`, compressed. */
export function deflatedFrame(id: string, payload: string): string {
  const before = `{"id":${id},"type":"next","payload":`;
  if (payload.length < MIN_LENGTH || before.length > 65_535) return nextFrame(id, payload);
  return frameOf(COMPRESSED, `${stored(before)}${deflated(`${payload}}`)}`);
}

/** The way out of a WebSocket that takes compressed messages. */
export class DeflatingOutlet extends SocketOutlet {
  readonly kind = 'deflate';

  frame(name: string, payload: string): string {
    return deflatedFrame(name, payload);
  }
}
