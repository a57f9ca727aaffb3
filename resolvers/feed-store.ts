/** How the feeds are doing, from the live store. */
import type { FeedHealth } from '../schema/graphql/feed.ts';
import { feedKey, heardKey } from '../schema/live/keys.ts';
import type { Exchange, FeedStatusEvent } from '../schema/market.ts';
import type { LiveStore } from '../src/platform/live/store.ts';
import { required } from './availability.ts';

/** A status this old is of a market that is no longer followed. */
const FORGOTTEN_MS = 7 * 86_400_000;
/** Greatest GraphQL Int. */
const MAX_INT = 2_147_483_647;

/**
 * The health that a status tells, at `now` (epoch ms). A feed says how it does every ten seconds; one that says nothing
 * for `staleMs` has nobody to speak for it. `heardAt` is the newest event in the live store, which is newer as a rule than
 * what the status knew.
 */
export function feedHealthOf(
  { eventTime, ...status }: FeedStatusEvent,
  now: number,
  staleMs: number,
  heardAt = 0,
): FeedHealth {
  const lastEventAt = Math.max(status.lastEventAt ?? 0, heardAt) || null;
  const age = lastEventAt === null ? null : Math.max(0, now - lastEventAt);
  return {
    ...status,
    lastEventAt,
    freshnessMs: age === null ? null : Math.min(age, MAX_INT),
    stale: status.stale || !status.connected || now - eventTime > staleMs,
  };
}

/** The feeds of an exchange by market and channel; empty where none was ever started. */
export async function feedsOf(live: LiveStore, exchange: Exchange, staleMs: number): Promise<FeedHealth[]> {
  const [fields, heard] = await required(
    Promise.all([live.fields(feedKey(exchange)), live.fields(heardKey(exchange))]),
  );
  const now = Date.now();
  return Object.keys(fields)
    .sort()
    .flatMap((field) => {
      const status = JSON.parse(fields[field] as string) as FeedStatusEvent;
      if (now - status.eventTime > FORGOTTEN_MS) return [];
      return feedHealthOf(status, now, staleMs, Number(heard[field] ?? 0));
    });
}
