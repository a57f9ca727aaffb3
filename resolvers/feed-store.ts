/** How the feeds are doing, from the live store. */
import type { FeedHealth } from '../schema/graphql/feed.ts';
import { feedKey } from '../schema/live/keys.ts';
import type { Exchange, FeedStatusEvent } from '../schema/market.ts';
import type { LiveStore } from '../src/platform/live/store.ts';
import { required } from './availability.ts';

/** A feed says how it does every ten seconds; one that is silent this long has nobody to speak for it. */
const SILENT_MS = 30_000;
/** Greatest GraphQL Int. */
const MAX_INT = 2_147_483_647;

/** The health that a status tells, at `now` (epoch ms). */
export function feedHealthOf({ eventTime, ...status }: FeedStatusEvent, now: number): FeedHealth {
  const age = status.lastEventAt === null ? null : Math.max(0, now - status.lastEventAt);
  return {
    ...status,
    freshnessMs: age === null ? null : Math.min(age, MAX_INT),
    stale: status.stale || !status.connected || now - eventTime > SILENT_MS,
  };
}

/** The feeds of an exchange by market and channel; empty where none was ever started. */
export async function feedsOf(live: LiveStore, exchange: Exchange): Promise<FeedHealth[]> {
  const fields = await required(live.fields(feedKey(exchange)));
  const now = Date.now();
  return Object.keys(fields)
    .sort()
    .map((field) => feedHealthOf(JSON.parse(fields[field] as string) as FeedStatusEvent, now));
}
