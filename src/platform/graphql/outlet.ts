/**
 * The way out of one connection for events. What is sent in one turn of the event loop leaves in one write; a peer that
 * does not read is noticed, so that what waits for it waits where it can be merged or dropped.
 */
import type { Writable } from 'node:stream';
import { metrics } from '../metrics.ts';

/** Where the events of one connection go. */
export interface Outlet {
  /** False while the peer does not take what it was sent. */
  readonly ready: boolean;
  /** Where the frames are others than a WebSocket's plain ones: sets them apart, and makes them. */
  readonly kind?: string;
  /** The frame of the next result of an operation: its name as JSON, the result as ASCII JSON, the event's cursor. */
  frame?(name: string, payload: string, cursor: string | null): string;
  /** Sends a frame, in order. */
  send(frame: string): void;
  /** Calls back once as soon as it is ready, in the order of the calls. */
  whenReady(call: () => void): void;
}

/** The text as ASCII: in JSON, anything beyond is escaped. */
export function asciiJson(json: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is ASCII that is meant
  if (/^[\x00-\x7f]*$/.test(json)) return json;
  return json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** RFC 6455 5.2: the unmasked frame of an ASCII text message, one character a byte. */
export function textFrame(ascii: string): string {
  return frameOf('\x81', ascii);
}

/** The unmasked frame of any message, one character a byte; `first` says what kind it is. */
export function frameOf(first: string, bytes: string): string {
  const { length } = bytes;
  if (length < 126) return `${first}${String.fromCharCode(length)}${bytes}`;
  if (length < 65_536) return `${first}\x7e${String.fromCharCode(length >>> 8, length & 255)}${bytes}`;
  const size = [24, 16, 8, 0].map((shift) => (length >>> shift) & 255);
  return `${first}\x7f\0\0\0\0${String.fromCharCode(...size)}${bytes}`;
}

/** The frame that tells operation `id` (as JSON) its next result; `payload` is ASCII JSON. */
export function nextFrame(id: string, payload: string): string {
  return textFrame(`{"id":${id},"type":"next","payload":${payload}}`);
}

const dirty: SocketOutlet[] = [];
let scheduled = false;

function flushAll(): void {
  scheduled = false;
  for (const outlet of dirty.splice(0)) outlet.flush();
}

export interface SocketOutletOptions {
  /** The connection. */
  socket: Writable;
  /** False once no more frames may be sent. */
  isOpen(): boolean;
  /** Bytes waiting from which on the peer counts as one that does not read. */
  maxBuffered: number;
  /** After this long without the peer reading, `onStuck` is called. */
  stuckMs: number;
  onStuck(): void;
}

export class SocketOutlet implements Outlet {
  private pending = '';
  private blocked = false;
  private stuck: NodeJS.Timeout | null = null;
  private waiting: (() => void)[] = [];

  constructor(private readonly options: SocketOutletOptions) {}

  get ready(): boolean {
    return !this.blocked && this.pending.length < this.options.maxBuffered;
  }

  send(frame: string): void {
    if (this.pending === '') {
      dirty.push(this);
      if (!scheduled) setImmediate(flushAll);
      scheduled = true;
    }
    this.pending += frame;
  }

  whenReady(call: () => void): void {
    this.waiting.push(call);
    if (!this.blocked && this.pending === '') setImmediate(() => this.wake());
  }

  /** Writes what waits; to be called before anything else is written to the WebSocket. */
  flush(): void {
    const { socket, isOpen, maxBuffered } = this.options;
    const { pending } = this;
    if (pending === '') return;
    this.pending = '';
    if (!isOpen()) return;
    socket.write(pending, 'latin1');
    metrics.socketBytes.inc(pending.length);
    // below the mark of the stream no drain would follow
    if (!this.blocked && socket.writableLength >= Math.max(maxBuffered, socket.writableHighWaterMark)) this.block();
    this.wake();
  }

  /** The connection is gone. */
  close(): void {
    this.unblock();
    this.waiting = [];
  }

  private block(): void {
    this.blocked = true;
    metrics.blockedSockets.inc();
    this.stuck = setTimeout(this.options.onStuck, this.options.stuckMs).unref();
    this.options.socket.once('drain', () => this.unblock());
  }

  private unblock(): void {
    if (this.blocked) metrics.blockedSockets.dec();
    this.blocked = false;
    if (this.stuck) clearTimeout(this.stuck);
    this.wake();
  }

  private wake(): void {
    if (this.blocked) return;
    for (const call of this.waiting.splice(0)) call();
  }
}
