/**
 * Trades on the live stream stay in order of time: one that was fetched after newer ones were published is in silver, and
 * the next event on the stream says FEED_GAP, as does the one after a loss that the feed gave up. What fills a hole in order, before anything newer, is published.
 */
import { CHANNELS } from '../../schema/channels.ts';
import { tradeListKey } from '../../schema/live/keys.ts';
import type { TradeEvent } from '../../schema/market.ts';
import type { AppendResult, LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import type { LiveItem, LiveView, MakeView, Planned, Publication, Withheld } from './view.ts';

/** Venues whose ids and times are not strictly ordered: this much behind the newest still counts as in order. */
const TOLERANCE_MS = 1_000;
const LIST_CAP = 1_000;
const KEEP = CHANNELS.trade.version.kind === 'recent' ? CHANNELS.trade.version.keep : 0;

/** What is known of one stream, and what the batch in hand would add to it. */
interface Head {
  ids: Set<string>;
  newest: number;
  /** A late trade was left out and nobody told yet. */
  missed: boolean;
  batch: { ids: Set<string>; newest: number; missed: boolean };
}

const MISSED = 'missed';
/** Hash beside the stream that keeps `missed` over a restart. */
const stateKey = (stream: string): string => `${stream}:state`;
const missedField = (stream: string, value: '1' | ''): LiveWrite => ({
  kind: 'field',
  key: stateKey(stream),
  field: MISSED,
  value,
});

class TradeView implements LiveView<TradeEvent> {
  readonly #store: LiveStore;
  readonly #heads = new Map<string, Head>();
  /** Streams that the batch in hand has something for: a partition has many more. */
  readonly #touched = new Set<string>();

  constructor(store: LiveStore) {
    this.#store = store;
  }

  async load(items: readonly LiveItem<TradeEvent>[]): Promise<void> {
    const fresh = [...new Set(items.map(({ stream }) => stream))].filter((stream) => !this.#heads.has(stream));
    const positions = await this.#store.positions(fresh);
    for (const [i, stream] of fresh.entries()) {
      const position = positions[i];
      const after = (position?.sequence ?? 0n) - BigInt(KEEP);
      const entries = position ? await this.#store.read(stream, after < 0n ? 0n : after, KEEP) : [];
      const published = entries.map((entry) => JSON.parse(entry.payload) as TradeEvent);
      const ids = new Set(published.map((t) => t.tradeId));
      const newest = published.reduce((max, t) => Math.max(max, t.eventTime), 0);
      const missed = (await this.#store.fields(stateKey(stream)))[MISSED] === '1';
      this.#heads.set(stream, { ids, newest, missed, batch: { ids: new Set(), newest, missed } });
    }
  }

  plan({ payload, stream, json }: LiveItem<TradeEvent>): Publication | Withheld {
    const head = this.#heads.get(stream);
    if (!head) throw new Error(`stream not loaded: ${stream}`);
    const { ids, batch } = head;
    if (ids.has(payload.tradeId) || batch.ids.has(payload.tradeId)) return 'repeat';
    batch.ids.add(payload.tradeId);
    this.#touched.add(stream);
    if (payload.eventTime < batch.newest - TOLERANCE_MS) {
      batch.missed = true;
      return 'late';
    }
    batch.newest = Math.max(batch.newest, payload.eventTime);
    // a loss downstream of the feed, or one that the feed tells
    const gap = batch.missed || payload.gap === true;
    batch.missed = false;
    const list: LiveWrite = { kind: 'list', key: tradeListKey(payload), value: json, cap: LIST_CAP };
    return { gap, writes: gap ? [list, missedField(stream, '')] : [list] };
  }

  undo(): void {
    for (const [, head] of this.#inHand()) {
      head.batch = { ids: new Set(), newest: head.newest, missed: head.missed };
    }
    this.#touched.clear();
  }

  async settle(planned: readonly Planned<TradeEvent>[], results: readonly AppendResult[]): Promise<void> {
    for (const [i, { item, publication }] of planned.entries()) {
      const head = this.#heads.get(item.stream);
      // the event that should have told it was dropped as a repeat
      if (head && publication.gap && results[i]?.sequence === null) head.batch.missed = true;
    }
    for (const [stream, head] of this.#inHand()) {
      const { batch } = head;
      // before the source position moves past the trade that was left out
      if (batch.missed && !head.missed) await this.#store.put(stream, [missedField(stream, '1')]);
      for (const id of batch.ids) head.ids.add(id);
      for (const id of head.ids) {
        if (head.ids.size <= KEEP) break;
        head.ids.delete(id);
      }
      head.newest = batch.newest;
      head.missed = batch.missed;
      batch.ids = new Set();
    }
    this.#touched.clear();
  }

  *#inHand(): Iterable<[string, Head]> {
    for (const stream of this.#touched) {
      const head = this.#heads.get(stream);
      if (head) yield [stream, head];
    }
  }
}

export const tradeView: MakeView<TradeEvent> = (store) => new TradeView(store);
