/**
 * The order book of an exchange that sends sequenced deltas: buffer, fetch a snapshot, join, follow. A delta that does
 * not follow drops the book; what is published is a whole snapshot again, marked as the end of a gap. Never torn, never
 * crossed.
 */
import { LIVE_BOOK_DEPTH } from '../../schema/live/book.ts';
import type { BookEvent } from '../../schema/market.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import type { BookRule, BookUpdate } from '../exchanges/connector.ts';
import { type Book, createBook } from './book.ts';
import { FILL_BACKOFF, type Flow, type FlowTools } from './flow.ts';
import { hasHistory } from './progress.ts';

type SequencedRule = Extract<BookRule, { kind: 'sequenced' }>;

/** Deltas that wait for a snapshot at the most; the oldest go first, the snapshot will be younger. */
const MAX_BUFFER = 5_000;
/** Deltas in a row that the book has already: an overlap brings some, more of them mean that its sequence is wrong. */
const MAX_OLD = 100;
/** Levels a side in a published snapshot: twice what the live book keeps. */
const SNAPSHOT_LEVELS = 2 * LIVE_BOOK_DEPTH;

/** The flow of one market's book. */
export function createBookFlow(tools: FlowTools, rule: SequencedRule): Flow<BookUpdate> {
  const { market, signal, progress, times, log } = tools;
  let book: Book | null = null;
  /** A fresher snapshot that takes over when it stands where `book` stands. */
  let fresh: Book | null = null;
  let buffer: BookUpdate[] = [];
  let refreshing: BookUpdate[] | null = null;
  let syncing = false;
  let run = 0;
  let lost = hasHistory(progress);
  let published = false;
  let snapshotAt = 0;
  let nextRefresh = 0;
  let old = 0;
  /** How long the first delta is waited for, so that the join can be seen before it is published. */
  const joinMs = Math.min(3_000, times.staleMs / 3);
  let connected = false;
  let stamps = { eventTime: 0, receivedAt: 0 };

  function publishSnapshot(from: Book, stamps: Pick<BookEvent, 'eventTime' | 'receivedAt'>): void {
    const known = from.known();
    const event: BookEvent = {
      exchange: market.exchange,
      symbol: market.symbol,
      ...stamps,
      type: 'snapshot',
      bids: known.bids.slice(0, SNAPSHOT_LEVELS),
      asks: known.asks.slice(0, SNAPSHOT_LEVELS),
      sequence: from.sequence,
      previousSequence: null,
      integrity: 'SEQUENCED',
      ...(lost ? { gap: true } : {}),
    };
    lost = false;
    published = true;
    snapshotAt = performance.now();
    tools.publish({ channel: 'orderbook', event }, false);
  }

  /** Everything of the book is forgotten; the next snapshot says that events are missing. */
  function lose(keep: BookUpdate[]): void {
    run++;
    book = null;
    fresh = null;
    refreshing = null;
    buffer = keep;
    if (published && !lost) {
      lost = true;
      tools.gap();
    }
  }

  function apply(target: Book, update: BookUpdate): void {
    const previousSequence = target.sequence;
    // levels beyond what the snapshot covered come and go with holes between them: nobody is told of them
    const news = target.news(update);
    const result = target.apply(update);
    old = result === 'old' ? old + 1 : 0;
    if (result === 'old' && old < MAX_OLD) return;
    if (result !== 'applied') {
      old = 0;
      log.warn({ result, book: previousSequence, delta: update.previousSequence }, 'book lost');
      lose(result === 'gap' ? [update] : []);
      begin();
      return;
    }
    stamps = { eventTime: update.eventTime, receivedAt: update.receivedAt };
    const { bidSequences: _bids, askSequences: _asks, ...event } = update;
    tools.publish(
      { channel: 'orderbook', event: { ...event, ...news, previousSequence, integrity: 'SEQUENCED' } },
      false,
    );
    refreshing?.push(update);
    if (fresh) replace(fresh, target, update);
  }

  /** Follows with the fresher snapshot, which becomes the book once both stand at the same update. */
  function replace(next: Book, current: Book, update: BookUpdate | null): void {
    const result = update ? next.apply(update) : 'applied';
    if (result === 'gap' || result === 'crossed') fresh = null;
    else if (next.sequence === current.sequence) {
      book = next;
      fresh = null;
      publishSnapshot(next, stamps);
    }
  }

  async function fetchSnapshot(): Promise<BookUpdate> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(times.patienceMs)]);
    return tools.fetch(rule.snapshot(market), 'orderbook', rule.parse, bound);
  }

  /** The snapshot with everything that waited applied; null where the two do not join. */
  function join(snapshot: BookUpdate): Book | null {
    const joined = createBook(snapshot, rule.depth);
    stamps = {
      eventTime: buffer.at(-1)?.eventTime ?? tools.exchangeNow() ?? snapshot.eventTime,
      receivedAt: buffer.at(-1)?.receivedAt ?? snapshot.receivedAt,
    };
    for (const [i, update] of buffer.entries()) {
      const result = joined.apply(update);
      if (result === 'gap') {
        // the snapshot is too old for what we have; a later one will join from here on
        buffer = buffer.slice(i);
        return null;
      }
      if (result === 'crossed') {
        buffer = [];
        return null;
      }
    }
    return joined.isCrossed() ? null : joined;
  }

  async function sync(mine: number): Promise<void> {
    for (let attempt = 0; mine === run && !signal.aborted; attempt++) {
      try {
        const snapshot = await fetchSnapshot();
        for (let waited = 0; buffer.length === 0 && waited < joinMs && mine === run; waited += 50) {
          await pause(50, signal);
        }
        if (mine !== run || signal.aborted) return;
        const joined = join(snapshot);
        if (joined) {
          book = joined;
          buffer = [];
          return publishSnapshot(joined, stamps);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.debug({ err: error }, 'no book snapshot');
      }
      await pause(Math.max(FILL_BACKOFF.baseMs, fullJitter(FILL_BACKOFF, attempt)), signal);
    }
  }

  function begin(): void {
    if (syncing) return;
    syncing = true;
    void sync(run)
      .catch((error) => log.error({ err: error }, 'book synchronization ended'))
      .finally(() => {
        syncing = false;
        if (book === null && connected && !signal.aborted) begin();
      });
  }

  async function refresh(): Promise<void> {
    const mine = run;
    const since: BookUpdate[] = [];
    refreshing = since;
    try {
      const snapshot = await fetchSnapshot();
      if (mine !== run || !book) return;
      const next = createBook(snapshot, rule.depth);
      if (since.every((update) => !['gap', 'crossed'].includes(next.apply(update)))) {
        fresh = next;
        replace(next, book, null);
      }
    } finally {
      if (refreshing === since) refreshing = null;
    }
  }

  return {
    push(update) {
      if (update.type === 'snapshot') return;
      if (book) return apply(book, update);
      buffer.push(update);
      if (buffer.length > MAX_BUFFER) buffer.shift();
    },
    resume() {
      connected = true;
      lose([]);
      begin();
    },
    interrupt() {
      connected = false;
      lose([]);
    },
    tick() {
      if (!book) return;
      const now = performance.now();
      if (now - snapshotAt >= times.snapshotMs) publishSnapshot(book, stamps);
      if (now < nextRefresh || fresh || refreshing || book.knownDepth() >= rule.depth / 2) return;
      nextRefresh = now + times.repairMs;
      void refresh().catch((error) => log.debug({ err: error }, 'book not refreshed'));
    },
    isHolding: () => book === null,
  };
}
