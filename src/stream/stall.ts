/** Streams on which nothing new may come, told as long as it lasts. */
import type { CaptureStatus } from '../../schema/cdc.ts';
import type { CaptureRef, FeedRef } from '../../schema/channels.ts';
import { captureKey, feedKey, heardKey } from '../../schema/live/keys.ts';
import type { Exchange, FeedStatusEvent } from '../../schema/market.ts';
import type { Platform, Running } from '../platform/platform.ts';

/** `extensions.stale` of a result. */
export interface Stall {
  /**
   * STORE: this server can't reach the live store. FEED: the exchange's feed is cut off or silent beyond its bound, or changes
   * are not captured. WORKER: the feed is heard, its events don't come. UNKNOWN: nobody says how the feed is doing.
   */
  readonly reason: 'STORE' | 'FEED' | 'WORKER' | 'UNKNOWN';
  /** Since when nothing new can be relied on, ISO 8601. */
  readonly since: string;
}

/** What the watch needs to know of a stream, and whom it tells. */
export interface Watched {
  /** What fills the stream; null where that is many. */
  readonly feed: FeedRef | CaptureRef | null;
  /** The state of things changed. Called with equal content it does nothing. */
  stall(stall: Stall | null): void;
}

const EVERY_MS = 1_000;

const stallOf = (reason: Stall['reason'], since: number): Stall => ({ reason, since: new Date(since).toISOString() });

/**
 * What a feed's newest status means for a stream at `now` (epoch ms); null where all is well. `heardAt` is when the newest
 * event in the live store was received. A feed says how it is twice within `staleMs`: one that doesn't has nobody to
 * speak for it; its events may take as long again to reach the store.
 */
export function feedStall(status: FeedStatusEvent, heardAt: number | null, now: number, staleMs: number): Stall | null {
  const { eventTime, lastEventAt } = status;
  if (now - eventTime > staleMs) return stallOf('UNKNOWN', eventTime);
  if (!status.connected || status.stale) return stallOf('FEED', Math.min(lastEventAt ?? eventTime, eventTime));
  if (heardAt !== null && lastEventAt !== null && lastEventAt - heardAt > 2 * staleMs) {
    return stallOf('WORKER', heardAt);
  }
  return null;
}

/** The same for a stream of captured changes. Who watches the capture says how it is doing twice within `staleMs`. */
export function captureStall({ at, brokenSince }: CaptureStatus, now: number, staleMs: number): Stall | null {
  if (now - at > staleMs) return stallOf('UNKNOWN', at);
  return brokenSince === null ? null : stallOf('FEED', brokenSince);
}

export interface StallWatch extends Running {
  /** One more is watched from now on. */
  joins(stream: Watched): void;
  /** The live store is away since (epoch ms), or here again: null. */
  storeAway(since: number | null): void;
}

/** Looks at the feeds behind the streams once a second, an exchange at a time, however many follow. */
export function watchStalls(
  { live, log, config }: Pick<Platform, 'live' | 'log' | 'config'>,
  watched: () => Iterable<Watched>,
): StallWatch {
  let awaySince: number | null = null;
  let looking = false;

  async function look(): Promise<void> {
    const byExchange = Map.groupBy(watched(), ({ feed }) => (feed && 'exchange' in feed ? feed.exchange : null));
    for (const [exchange, streams] of byExchange) {
      if (exchange !== null) await lookAt(exchange, streams);
      else for (const stream of streams) await lookAtCapture(stream);
    }
  }

  async function lookAtCapture(stream: Watched): Promise<void> {
    const { feed } = stream;
    const { status } = feed && 'table' in feed ? await live.fields(captureKey(feed.table)) : {};
    if (awaySince !== null) return;
    // a table that nobody captures is no stalled one
    stream.stall(status ? captureStall(JSON.parse(status) as CaptureStatus, Date.now(), config.FEED_STALE_MS) : null);
  }

  async function lookAt(exchange: Exchange, streams: readonly Watched[]): Promise<void> {
    const [statuses, heard] = await Promise.all([live.fields(feedKey(exchange)), live.fields(heardKey(exchange))]);
    if (awaySince !== null) return;
    const now = Date.now();
    for (const stream of streams) {
      const { symbol, channel } = stream.feed as FeedRef;
      const field = `${symbol}:${channel}`;
      const text = statuses[field] ?? statuses[`*:${channel}`];
      const heardAt = heard[field] === undefined ? null : Number(heard[field]);
      // a market that nobody follows is no stalled one
      stream.stall(text ? feedStall(JSON.parse(text) as FeedStatusEvent, heardAt, now, config.FEED_STALE_MS) : null);
    }
  }

  function tick(): void {
    if (looking || awaySince !== null) return;
    looking = true;
    look()
      .catch((error) => log.debug({ err: error }, 'feeds could not be looked at'))
      .finally(() => {
        looking = false;
      });
  }

  const timer = setInterval(tick, EVERY_MS).unref();
  return {
    joins(stream) {
      if (awaySince !== null) stream.stall(stallOf('STORE', awaySince));
    },
    storeAway(since) {
      awaySince = since;
      if (since !== null) for (const stream of watched()) stream.stall(stallOf('STORE', since));
      // what the store was blamed for is over; what else there is shows with the next look
      else for (const stream of watched()) stream.stall(null);
    },
    async stop() {
      clearInterval(timer);
    },
  };
}
