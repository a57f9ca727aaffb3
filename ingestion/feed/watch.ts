/**
 * When silence is suspicious, for one market. A quiet trade or candle channel is normal on an illiquid market; it is not
 * while a sibling channel shows that trades happen. No I/O; times are monotonic ms.
 */
import { FEED_CHANNELS, type FeedChannel } from '../../schema/market.ts';
import type { ChannelRule } from '../exchanges/connector.ts';

export interface MarketWatch {
  connected(now: number): void;
  disconnected(): void;
  /**
   * An event of the channel arrived; `moved` false for a candle frame that shows no new trade, and for a trade that is none (a
   * subscription begins with the last one, of hours ago perhaps).
   */
  heard(channel: FeedChannel, now: number, moved: boolean): void;
  isStale(channel: FeedChannel, now: number): boolean;
  /** True when a new connection is worth a try. Says so once per silence, then at doubling distances. */
  wantsReconnect(now: number): boolean;
}

/** What else must come where trades happen. */
const SIBLINGS = ['kline', 'orderbook', 'ticker'] as const;

/** `rules` as in the connector, `staleMs` the bound on silence. */
export function createMarketWatch(
  rules: Readonly<Record<FeedChannel, ChannelRule | null>>,
  staleMs: number,
): MarketWatch {
  const streamed = FEED_CHANNELS.filter((channel) => rules[channel]?.streamed);
  const steady = streamed.filter((channel) => rules[channel]?.cadence === 'steady');
  const greeted = streamed.filter((channel) => rules[channel]?.cadence === 'on-change');
  /** Those that say something soon after every connection. */
  const speaks = [...steady, ...greeted];
  const heardAt = new Map<FeedChannel, number>();
  /** Since when a sibling has contradicted the channel's silence. */
  const owedSince = new Map<FeedChannel, number>();
  let since: number | null = null;
  /** A connection was lost before: what is known is of before that until its successor brings something. */
  let outdated = false;
  let tries = 0;
  let nextTry = 0;

  const silence = (channel: FeedChannel, now: number): number => now - Math.max(heardAt.get(channel) ?? 0, since ?? 0);
  const owed = (channel: FeedChannel, now: number): number => now - (owedSince.get(channel) ?? now);

  /** Nothing has come since the connection, where something must. */
  const ungreeted = (channel: FeedChannel, now: number, ms: number): boolean =>
    since !== null && greeted.includes(channel) && (heardAt.get(channel) ?? -1) < since && now - since > ms;

  function owe(channels: readonly FeedChannel[], now: number): void {
    for (const channel of channels)
      if (streamed.includes(channel) && !owedSince.has(channel)) owedSince.set(channel, now);
  }

  return {
    connected(now) {
      since = now;
      owedSince.clear();
    },
    disconnected() {
      since = null;
      outdated = true;
    },
    heard(channel, now, moved) {
      heardAt.set(channel, now);
      owedSince.delete(channel);
      if (channel === 'trade' && moved) owe(SIBLINGS, now);
      // a candle frame comes up to two seconds after its trade: only a longer silence of trades contradicts it
      else if (channel === 'kline' && moved && silence('trade', now) > staleMs / 2) owe(['trade'], now);
    },
    isStale(channel, now) {
      if (since === null) return true;
      const from = since;
      const spoke = (one: FeedChannel): boolean => (heardAt.get(one) ?? -1) >= from;
      // a connection alone does not end a silence
      if (outdated && !(speaks.includes(channel) ? spoke(channel) : streamed.some(spoke))) return true;
      if (owed(channel, now) > staleMs) return true;
      if (ungreeted(channel, now, staleMs)) return true;
      if (steady.includes(channel)) return silence(channel, now) > staleMs;
      // nothing at all is heard of this market
      return steady.length > 0 && steady.every((one) => silence(one, now) > staleMs && silence(channel, now) > staleMs);
    },
    wantsReconnect(now) {
      if (since === null) return false;
      const suspicious =
        streamed.some((channel) => owed(channel, now) > 1.5 * staleMs) ||
        steady.some((channel) => silence(channel, now) > 2 * staleMs) ||
        greeted.some((channel) => ungreeted(channel, now, 2 * staleMs));
      if (!suspicious) {
        tries = 0;
        nextTry = 0;
      }
      if (!suspicious || now < nextTry) return false;
      tries++;
      nextTry = now + 2 ** Math.min(tries, 8) * staleMs;
      return true;
    },
  };
}
