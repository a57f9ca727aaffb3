/**
 * The way out of one connection for events. What is sent in one turn of the event loop leaves in one write; a peer that
 * does not read is noticed, so that what waits for it waits where it can be merged or dropped.
 */
import type { Writable } from 'node:stream';
import { metrics, tallyOf } from '../metrics.ts';

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

/** The same text, held in one piece: for what many others are made of, or what is kept. */
export function inOnePiece(text: string): string {
  // V8 puts a text together from its parts when it is first looked into
  text.charCodeAt(0);
  return text;
}

/** RFC 6455 5.2: the header of an unmasked frame of so many bytes; `first` says what kind it is. */
function headerOf(first: string, length: number): string {
  if (length < 126) return `${first}${String.fromCharCode(length)}`;
  if (length < 65_536) return `${first}\x7e${String.fromCharCode(length >>> 8, length & 255)}`;
  const size = [24, 16, 8, 0].map((shift) => (length >>> shift) & 255);
  return `${first}\x7f\0\0\0\0${String.fromCharCode(...size)}`;
}

/** The unmasked frame of any message, one character a byte; `first` says what kind it is. */
export function frameOf(first: string, bytes: string): string {
  return headerOf(first, bytes.length) + bytes;
}

/** The frame of an ASCII text message. */
export function textFrame(ascii: string): string {
  return frameOf('\x81', ascii);
}

/** The frame that tells operation `id` (as JSON) its next result; `payload` is ASCII JSON. */
export function nextFrame(id: string, payload: string): string {
  return new NextFrames(id).of(payload);
}

/** The frames that tell one operation its results. Those of one length begin alike, and lengths seldom change. */
export class NextFrames {
  private length = -1;
  private head = '';

  /** `id` is the client's name for the operation, as ASCII JSON. */
  constructor(private readonly id: string) {}

  /** The frame whose text ends in `rest`: the result as ASCII JSON, and the brace that closes the message. */
  ending(rest: string): string {
    if (this.length !== rest.length) {
      this.length = rest.length;
      const before = `{"id":${this.id},"type":"next","payload":`;
      this.head = inOnePiece(headerOf('\x81', before.length + this.length) + before);
    }
    return this.head + rest;
  }

  /** The frame of a result, ASCII JSON. */
  of(payload: string): string {
    return this.ending(`${payload}}`);
  }
}

const written = tallyOf(metrics.socketBytes, {});
let dirty: SocketOutlet[] = [];

function flushAll(): void {
  const outlets = dirty;
  dirty = [];
  for (const outlet of outlets) outlet.flush();
}

export interface SocketOutletOptions {
  /** The connection. */
  readonly stream: Writable;
  /** False once no more frames may be sent. */
  isOpen(): boolean;
  /** Bytes waiting from which on the peer counts as one that does not read. */
  readonly maxBuffered: number;
  /** After this long without the peer reading, `onStuck` is called. */
  readonly stuckMs: number;
  onStuck(): void;
}

export class SocketOutlet implements Outlet {
  private pending = '';
  private blocked = false;
  private stuck: NodeJS.Timeout | null = null;
  private waiting: (() => void)[] | null = null;
  private readonly max: number;

  constructor(private readonly options: SocketOutletOptions) {
    this.max = options.maxBuffered;
  }

  get ready(): boolean {
    return !this.blocked && this.pending.length < this.max;
  }

  send(frame: string): void {
    if (this.pending === '') {
      if (dirty.length === 0) setImmediate(flushAll);
      dirty.push(this);
    }
    this.pending += frame;
  }

  whenReady(call: () => void): void {
    this.waiting ??= [];
    this.waiting.push(call);
    if (!this.blocked && this.pending === '') setImmediate(() => this.wake());
  }

  /** Writes what waits; to be called before anything else is written to the WebSocket. */
  flush(): void {
    const { pending } = this;
    if (pending === '') return;
    this.pending = '';
    const { stream } = this.options;
    if (!this.options.isOpen()) return;
    written.count += pending.length;
    // true below the mark of the stream, where no drain would follow
    const taken = stream.write(pending, 'latin1');
    if (!taken && !this.blocked && stream.writableLength >= this.max) this.block();
    this.wake();
  }

  /** The connection is gone. */
  close(): void {
    this.unblock();
    this.waiting = null;
  }

  private block(): void {
    this.blocked = true;
    metrics.blockedSockets.inc();
    this.stuck = setTimeout(() => this.options.onStuck(), this.options.stuckMs).unref();
    this.options.stream.once('drain', () => this.unblock());
  }

  private unblock(): void {
    if (this.blocked) metrics.blockedSockets.dec();
    this.blocked = false;
    if (this.stuck) clearTimeout(this.stuck);
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    if (this.blocked || waiting === null) return;
    this.waiting = null;
    for (const call of waiting) call();
  }
}
