/**
 * Speaks for feeds that no longer speak for themselves. A feed says how it does on every change and at least every
 * ten seconds; where that stops coming (its process was killed, or hangs), one of all the processes says that it is
 * stale, by producing to the topic, and says it again while it lasts.
 */
import { feedKey } from '../../schema/live/keys.ts';
import { EXCHANGES, type FeedStatusEvent } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { Singleton } from './singleton.ts';

/** Between two looks, and the most by which a silence is told late. */
const LOOK_MS = 1_000;
/** Between two statements of one feed's silence. */
const REPEAT_MS = 10_000;
/** A feed that was silent this long is no longer followed; nobody waits for it. */
const FORGOTTEN_MS = 3_600_000;

/** What is to be said of a feed whose last status is given, at `now` (epoch ms); null where it speaks for itself. */
export function silenceOf(
  status: FeedStatusEvent,
  spokeAt: number,
  now: number,
  staleMs: number,
): FeedStatusEvent | null {
  const silent = now - spokeAt;
  if (silent <= staleMs || silent > FORGOTTEN_MS) return null;
  return { ...status, connected: false, stale: true, eventTime: Math.max(now, status.eventTime + 1) };
}

/** Looks at the newest status of every feed. */
export const FEED_WATCH: Singleton = {
  ...{ name: 'feed-watch', everyMs: LOOK_MS, firstMs: LOOK_MS },
  begin({ live, broker, config }, log) {
    /** When each feed last spoke for itself, and when its silence was last told. */
    const spoke = new Map<string, number>();
    const told = new Map<string, { at: number; eventTime: number }>();

    function judge(id: string, status: FeedStatusEvent, now: number): FeedStatusEvent | null {
      // what was said here is not the feed's own word
      if (status.eventTime !== told.get(id)?.eventTime) {
        spoke.set(id, status.eventTime);
        told.delete(id);
      }
      const said = silenceOf(status, spoke.get(id) ?? status.eventTime, now, config.FEED_STALE_MS);
      if (!said || now - (told.get(id)?.at ?? 0) < REPEAT_MS) return null;
      told.set(id, { at: now, eventTime: said.eventTime });
      return said;
    }

    return async (lease) => {
      const silent: FeedStatusEvent[] = [];
      const before = told.size;
      for (const exchange of EXCHANGES) {
        const fields = await live.fields(feedKey(exchange));
        const now = Date.now();
        for (const [field, value] of Object.entries(fields)) {
          const said = judge(`${exchange}:${field}`, JSON.parse(value) as FeedStatusEvent, now);
          if (said) silent.push(said);
        }
      }
      if (silent.length === 0 || !lease.isHeld()) return;
      const { name, key, encode } = TOPICS.feedStatus;
      const messages = silent.map((status) => ({ key: key(status), value: encode(status) }));
      await broker.send(name, messages);
      if (told.size > before) log.warn({ feeds: told.size, first: silent[0] }, 'feeds are silent');
    };
  },
};
