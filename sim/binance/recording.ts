/** Replays captured frames byte for byte, with their own ids and event times, at a settable speed or step by step. */

import type { KlineInterval } from '../market/intervals.ts';
import { exchangeInfoBody } from './exchange-info.ts';
import { listings } from './listing.ts';
import { RecordedAnswers } from './recorded-answers.ts';
import { RecordedBook, type RecordedSnapshot } from './recorded-books.ts';
import type { MarketSource, Publish, Range } from './source.ts';

export interface RecordedFrame {
  /** When the recorder received it, epoch ms. */
  time: number;
  /** The frame as captured: {"stream":…,"data":…}. */
  line: string;
}

export interface RecordingOptions {
  /** In order of arrival, all streams together. */
  frames: RecordedFrame[];
  /** One a symbol at most. */
  snapshots: RecordedSnapshot[];
  /** `GET /api/v3/exchangeInfo` as captured; made up when left out. */
  exchangeInfo?: string;
  /** Times as fast as recorded; 'stepped' moves only by `step` (default 1). */
  speed?: number | 'stepped';
  /** Replay begins when no new stream was subscribed to for this long, ms (default 300). */
  settleMs?: number;
  /** How long the first frame beyond a snapshot waits for a listener of its stream to fetch that, ms (default 5,000). */
  snapshotWaitMs?: number;
}

interface Frame extends RecordedFrame {
  stream: string;
  payload: string;
}

const ENVELOPE = /^\{"stream":"([^"]+)","data":(.*)\}$/;

export class Recording implements MarketSource {
  readonly symbols: string[];
  /** Resolves when the last frame has been sent. */
  readonly done: Promise<void>;
  private readonly options: RecordingOptions;
  private readonly frames: Frame[];
  private readonly publish: Publish;
  private readonly hasListener: (stream: string) => boolean;
  private readonly books = new Map<string, RecordedBook>();
  private readonly answers = new Map<string, RecordedAnswers>();
  private finish: () => void = () => {};
  private timer: NodeJS.Timeout | null = null;
  private next = 0;
  private heldSince = 0;
  private eventTime: number;

  /** Throws RangeError for a line that is no combined-stream frame, or no frames at all. */
  constructor(options: RecordingOptions, publish: Publish, hasListener: (stream: string) => boolean) {
    this.options = options;
    this.publish = publish;
    this.hasListener = hasListener;
    this.frames = options.frames.map((f) => {
      const parts = ENVELOPE.exec(f.line);
      if (!parts) throw new RangeError(`not a combined-stream frame: ${f.line.slice(0, 80)}`);
      return { ...f, stream: parts[1] as string, payload: parts[2] as string };
    });
    if (this.frames.length === 0) throw new RangeError('a recording without frames');
    for (const s of options.snapshots) this.books.set(s.symbol, new RecordedBook(s.line));
    this.symbols = [...new Set(this.frames.map((f) => (f.stream.split('@')[0] as string).toUpperCase()))];
    for (const s of this.symbols) this.answers.set(s, new RecordedAnswers());
    this.eventTime = Math.floor((this.frames[0] as Frame).time);
    this.done = new Promise((done) => {
      this.finish = done;
    });
  }

  /** Frames not sent yet. */
  get remaining(): number {
    return this.frames.length - this.next;
  }

  /** To be told of every new subscription: the replay begins when they have settled. */
  subscribed(): void {
    if (this.options.speed === 'stepped' || this.next > 0) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => this.play(), this.options.settleMs ?? 300);
  }

  /** Sends the next `count` frames at once, whoever listens, and returns their lines. */
  step(count = 1): string[] {
    const sent: string[] = [];
    while (sent.length < count && this.next < this.frames.length) sent.push(this.sendNext());
    return sent;
  }

  /** Event time of the newest frame sent, or the start of the recording. */
  now(): number {
    return this.eventTime;
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.next = this.frames.length;
  }

  exchangeInfo(symbols: string[]): string {
    if (this.options.exchangeInfo === undefined) return exchangeInfoBody(listings(symbols), this.now(), 6_000);
    const info = JSON.parse(this.options.exchangeInfo) as { symbols: { symbol: string }[] };
    if (info.symbols.length === symbols.length) return this.options.exchangeInfo;
    return JSON.stringify({ ...info, symbols: info.symbols.filter((s) => symbols.includes(s.symbol)) });
  }

  depth(symbol: string, limit: number): string {
    return this.books.get(symbol)?.body(limit) ?? '{"lastUpdateId":0,"bids":[],"asks":[]}';
  }

  klines(symbol: string, interval: KlineInterval, range: Range): string {
    return this.answersOf(symbol).klines(interval, range);
  }

  aggTrades(symbol: string, fromId: number | null, range: Range): string {
    return this.answersOf(symbol).aggTrades(fromId, range);
  }

  ticker(symbol: string): string {
    return this.answersOf(symbol).ticker(symbol);
  }

  private play(): void {
    const speed = this.options.speed === 'stepped' ? 1 : (this.options.speed ?? 1);
    const [first, started] = [this.frames[this.next] as Frame, performance.now()];
    let paused = 0;
    const go = () => {
      const position = (performance.now() - started - paused) * speed + first.time;
      while (this.next < this.frames.length) {
        const frame = this.frames[this.next] as Frame;
        if (frame.time > position) break;
        if (this.isHeld(frame)) {
          paused += 5;
          break;
        }
        this.sendNext();
      }
      if (this.next < this.frames.length) this.timer = setTimeout(go, 5);
    };
    go();
  }

  /**
   * A client buffers frames, then fetches the snapshot. In the recording that took as long as it took then; played faster, the
   * frames would be past the snapshot before the client has it. So the first frame beyond it waits, within bounds.
   */
  private isHeld(frame: Frame): boolean {
    if (!frame.stream.includes('@depth') || !this.hasListener(frame.stream)) return false;
    const payload = JSON.parse(frame.payload) as { s: string; U: number; u: number; b: []; a: [] };
    const book = this.books.get(payload.s);
    if (!book || book.asked || !book.isBeyond(payload)) return false;
    this.heldSince ||= performance.now();
    if (performance.now() - this.heldSince < (this.options.snapshotWaitMs ?? 5_000)) return true;
    book.asked = true;
    this.heldSince = 0;
    return false;
  }

  private sendNext(): string {
    const frame = this.frames[this.next++] as Frame;
    const payload = JSON.parse(frame.payload);
    this.eventTime = Math.max(this.eventTime, payload.E ?? 0);
    this.heldSince = 0;
    if (payload.e === 'depthUpdate') this.books.get(payload.s)?.apply(payload);
    else if (payload.e === 'aggTrade') this.answers.get(payload.s)?.trade(payload);
    else if (payload.e === 'kline') this.answers.get(payload.s)?.candle(payload.k);
    this.publish(frame.stream, () => frame.payload);
    if (this.next === this.frames.length) this.finish();
    return frame.line;
  }

  private answersOf(symbol: string): RecordedAnswers {
    const answers = this.answers.get(symbol);
    if (!answers) throw new RangeError(`no such market: ${symbol}`);
    return answers;
  }
}
