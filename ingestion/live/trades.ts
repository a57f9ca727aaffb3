/**
 * Trades on the live stream stay in order of time: one that was fetched after newer ones were published is in silver, and
 * the next event on the stream says FEED_GAP, as does the one after a loss that the feed gave up. What fills a hole in order, before anything newer, is published.
 */
import { CHANNELS } from '../../schema/channels.ts';
import { tradeListKey } from '../../schema/live/keys.ts';
import type { TradeEvent } from '../../schema/market.ts';
import type { LiveStore } from '../../src/platform/live/store.ts';
import type { LiveItem, LiveView, MakeView, Publication, Withheld } from './view.ts';

/** Venues whose ids and times are not strictly ordered: this much behind the newest still counts as in order. */
const TOLERANCE_MS = 1_000;
const LIST_CAP = 1_000;
const KEEP = CHANNELS.trade.version.kind === 'recent' ? CHANNELS.trade.version.keep : 0;

/** What is known of one stream, and what the batch in hand would add to it. */
interface Head {
  ids: Set<string>;
  newest: number;
  batch: { ids: Set<string>; newest: number };
}

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
      this.#heads.set(stream, { ids, newest, batch: { ids: new Set(), newest } });
    }
  }

  plan({ payload, stream, json }: LiveItem<TradeEvent>): Publication | Withheld {
    const head = this.#heads.get(stream);
    if (!head) throw new Error(`stream not loaded: ${stream}`);
    const { ids, batch } = head;
    if (ids.has(payload.tradeId) || batch.ids.has(payload.tradeId)) return 'repeat';
    batch.ids.add(payload.tradeId);
    this.#touched.add(stream);
    if (payload.eventTime < batch.newest - TOLERANCE_MS) return 'late';
    batch.newest = Math.max(batch.newest, payload.eventTime);
    return {
      gap: payload.gap === true,
      writes: [{ kind: 'list', key: tradeListKey(payload), value: json, cap: LIST_CAP }],
    };
  }

  undo(): void {
    // a part of it may be written: what is published is asked anew
    for (const stream of this.#touched) this.#heads.delete(stream);
    this.#touched.clear();
  }

  async settle(): Promise<void> {
    for (const stream of this.#touched) {
      const head = this.#heads.get(stream);
      if (!head) continue;
      const { batch } = head;
      for (const id of batch.ids) head.ids.add(id);
      for (const id of head.ids) {
        if (head.ids.size <= KEEP) break;
        head.ids.delete(id);
      }
      head.newest = batch.newest;
      batch.ids = new Set();
    }
    this.#touched.clear();
  }
}

export const tradeView: MakeView<TradeEvent> = (store) => new TradeView(store);
