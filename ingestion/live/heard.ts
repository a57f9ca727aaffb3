/**
 * When the newest event of each feed was received. A feed's own status says it every ten seconds; here it is known to the
 * second, by what has come through to the live store.
 */
import { feedStreamId, streamKey } from '../../schema/channels.ts';
import { heardKey } from '../../schema/live/keys.ts';
import { type Exchange, FEED_CHANNELS, type FeedChannel } from '../../schema/market.ts';
import type { LiveStore, LiveWrite } from '../../src/platform/live/store.ts';

/** Between two writes of one partition's news. */
const EVERY_MS = 1_000;
/** How long a batch waits for it at the most; it is worth no more. */
const BOUND_MS = 1_000;

/** What an event must have to count: candles of a quiet minute are made here, no feed sent them. */
interface Heard {
  exchange: Exchange;
  symbol: string;
  receivedAt: number;
  volume?: string;
}

function isHeard(payload: unknown): payload is Heard {
  const { symbol, receivedAt, volume } = payload as Partial<Heard>;
  return typeof symbol === 'string' && typeof receivedAt === 'number' && volume !== '0';
}

export interface HeardFeeds {
  /** Takes note of published events, and writes them down once a second. Never throws. */
  note(payloads: readonly unknown[]): Promise<void>;
}

/** For the events of one live channel; null for one that no feed fills (tickers are made of the other channels). */
export function createHeardFeeds(live: LiveStore, channel: string): HeardFeeds | null {
  const known = FEED_CHANNELS.find((one): one is FeedChannel => one === channel);
  if (!known || known === 'ticker') return null;
  const newest = new Map<string, { exchange: Exchange; at: number; field: string }>();
  const changed = new Set<string>();
  let writtenAt = Number.NEGATIVE_INFINITY;

  async function write(): Promise<void> {
    const byExchange = new Map<Exchange, LiveWrite[]>();
    for (const id of changed) {
      const feed = newest.get(id);
      if (!feed) continue;
      const { exchange, at, field } = feed;
      const write: LiveWrite = { kind: 'field', key: heardKey(exchange), field, value: String(at) };
      byExchange.set(exchange, [...(byExchange.get(exchange) ?? []), write]);
    }
    changed.clear();
    const puts = [...byExchange].map(([exchange, writes]) =>
      live.put(streamKey('feed', feedStreamId(exchange)), writes),
    );
    // it is said again with the next events
    await Promise.race([Promise.allSettled(puts), new Promise((done) => setTimeout(done, BOUND_MS).unref())]);
  }

  return {
    async note(payloads) {
      for (const payload of payloads) {
        if (!isHeard(payload)) continue;
        const { exchange, symbol, receivedAt } = payload;
        const id = `${exchange}:${symbol}`;
        if (receivedAt <= (newest.get(id)?.at ?? 0)) continue;
        newest.set(id, { exchange, at: receivedAt, field: `${symbol}:${known}` });
        changed.add(id);
      }
      if (changed.size === 0 || performance.now() - writtenAt < EVERY_MS) return;
      writtenAt = performance.now();
      await write();
    },
  };
}
