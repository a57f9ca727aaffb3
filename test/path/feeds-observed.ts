/** What the outside sees of one market's feed: answers of feedHealth all the time, and the topics of books and status. */
import assert from 'node:assert/strict';
import { compareDecimals } from '../../schema/decimal.ts';
import {
  type BookEvent,
  type BookLevel,
  FEED_CHANNELS,
  type FeedChannel,
  type FeedStatusEvent,
} from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import { readTopics } from '../support/topic-reader.ts';
import { until } from '../support/until.ts';
import type { BookAt, Venue } from './feeds-venues.ts';

export interface Health {
  channel: FeedChannel;
  connected: boolean;
  stale: boolean;
  gaps: number;
  reconnects: number;
}

/** One answer of feedHealth, and when it was asked for and had (epoch ms). */
export interface Sample {
  askedAt: number;
  at: number;
  channels: ReadonlyMap<FeedChannel, Health>;
}

export interface Observed {
  samples: readonly Sample[];
  /** The newest answer. */
  health(): ReadonlyMap<FeedChannel, Health>;
  /** What the feed said of itself so far. */
  statuses(): FeedStatusEvent[];
  /** When book events were received by the feed, epoch ms, and those that say that events before them are missing. */
  books(): readonly BookEvent[];
  /** The folded book equals what the stand-in shows at the same update; every delta so far followed the one before. */
  assertBook(restUrl: string, withinMs: number): Promise<void>;
  stop(): Promise<void>;
}

const QUERY = `query ($exchange: Exchange!) {
  feedHealth(exchange: $exchange) { channel connected stale gaps reconnects } }`;
const SAMPLE_MS = 150;
/** Levels compared, and books remembered. */
const TOP = 10;
const REMEMBERED = 1_000;

/** Folds books as a reader of the topic would. */
class Fold {
  readonly seen = new Map<string, BookAt>();
  private readonly sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  private sequence = '';

  add(event: BookEvent, key: string): void {
    if (event.type === 'delta') assert.equal(event.previousSequence, this.sequence, 'a delta that follows nothing');
    this.sequence = event.sequence;
    for (const side of ['bids', 'asks'] as const) {
      if (event.type === 'snapshot') this.sides[side].clear();
      for (const [price, quantity] of event[side]) {
        if (quantity === '0') this.sides[side].delete(price);
        else this.sides[side].set(price, quantity);
      }
    }
    const [bids, asks] = [this.top('bids', -1), this.top('asks', 1)];
    const [bid, ask] = [bids[0], asks[0]];
    assert.ok(bid && ask && compareDecimals(bid[0], ask[0]) < 0, `crossed at ${event.sequence}: ${bid} ${ask}`);
    this.seen.set(key, { key, bids, asks });
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.keys().next().value as string);
  }

  private top(side: 'bids' | 'asks', sign: number): BookLevel[] {
    return [...this.sides[side]].sort(([a], [b]) => sign * compareDecimals(a, b)).slice(0, TOP);
  }
}

/** Begins to look. `api` is where the API is, `brokers` where the log is. */
export async function observe(venue: Venue, api: string, brokers: readonly string[]): Promise<Observed> {
  const reader = await readTopics(brokers, [TOPICS.orderbook.name, TOPICS.feedStatus.name]);
  const samples: Sample[] = [];
  const books: BookEvent[] = [];
  const fold = new Fold();
  let running = true;

  async function sample(): Promise<void> {
    const askedAt = Date.now();
    const response = await fetch(`${api}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY, variables: { exchange: venue.exchange } }),
    });
    const { data } = (await response.json()) as { data: { feedHealth: Health[] } | null };
    if (!data) return;
    const channels = new Map(data.feedHealth.map((one) => [one.channel, one]));
    if (channels.size === FEED_CHANNELS.length) samples.push({ askedAt, at: Date.now(), channels });
  }

  const sampling = (async () => {
    while (running) {
      await sample().catch(() => {});
      await new Promise((next) => setTimeout(next, SAMPLE_MS));
    }
  })();

  function follow(): readonly BookEvent[] {
    for (const message of reader.seen(TOPICS.orderbook.name).slice(books.length)) {
      const event = TOPICS.orderbook.parse(message.value);
      books.push(event);
      fold.add(event, venue.book.keyOf(event));
    }
    return books;
  }

  return {
    samples,
    health: () => samples.at(-1)?.channels ?? new Map(),
    statuses: () => reader.seen(TOPICS.feedStatus.name).map((message) => TOPICS.feedStatus.parse(message.value)),
    books: follow,
    async assertBook(restUrl, withinMs) {
      const [shown, known] = await until(
        'a book that the stand-in shows too',
        async () => {
          const response = await fetch(restUrl + venue.book.path);
          const wanted = venue.book.read(await response.json());
          const find = (): BookAt | undefined => {
            follow();
            return fold.seen.get(wanted.key);
          };
          const reached = await until('its update', find, { timeoutMs: 1_000 });
          return [wanted, reached] as const;
        },
        { timeoutMs: withinMs, everyMs: 50 },
      );
      const top = ({ bids, asks }: BookAt): BookLevel[][] => [bids.slice(0, TOP), asks.slice(0, TOP)];
      assert.deepEqual(top(known), top(shown), `book at ${shown.key}`);
    },
    async stop() {
      running = false;
      await sampling;
      await reader.close();
    },
  };
}
