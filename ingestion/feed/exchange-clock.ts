/**
 * What time it is for an exchange, as far as its frames tell: recordings and skewed clocks are not ours. Where nothing
 * happens at all no frame tells it, and time goes on all the same: at least by what has passed here since the last one.
 * Minutes are closed by it, so that one wrong stamp must not move it.
 */
import { BadFrame, type FeedEvent } from '../exchanges/connector.ts';

export interface ExchangeClock {
  /**
   * An event that came at `receivedAt` (our clock) carried this time, both epoch ms. False where it is ahead of our clock and
   * of what the exchange's other stamps say: then it is a wrong one.
   */
  note(eventTime: number, receivedAt?: number): boolean;
  /** Newest credible event time; null before the first. */
  now(): number | null;
  /** What time it is there at the least; of a recording, whose time ends with its frames, the newest event time. */
  time(): number | null;
}

/** An event further ahead of our clock is an error, whatever the clocks' skew. */
export const MAX_AHEAD_MS = 300_000;
/** A stamp this far ahead of the others is an error unless more of them agree. */
const AHEAD_MS = 60_000;
/** Where it is ahead of our clock too, so much is enough: nothing is of the future. */
const FUTURE_MS = 2_000;
const AGREEING = 3;
/** Stamps that are all so far behind, for so long, say that those before them were wrong. */
const BEHIND = { ms: 60_000, times: 20, forMs: 300_000 };
/** What was said longer ago than this is no longer of the present. */
const PRESENT_MS = 7 * 86_400_000;

/** What was said, epoch ms, and when that was, monotonic ms. */
interface Said {
  time: number;
  at: number;
}

/** `ours` is our clock, epoch ms; `monotonic` in ms of any origin. */
export function createExchangeClock(
  ours: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): ExchangeClock {
  let newest: Said | null = null;
  let ahead = 0;
  /** The newest of the stamps that have been behind without exception. */
  let behind: (Said & { since: number; times: number }) | null = null;

  const timeAt = (said: Said, at: number): number => said.time + (at - said.at);

  /** True where it would move the clock further than a single stamp may. */
  function isLeap(eventTime: number, at: number, isFuture: boolean): boolean {
    if (!newest) return isFuture;
    return eventTime > timeAt(newest, at) + (isFuture ? FUTURE_MS : AHEAD_MS);
  }

  /** Goes back to what the stamps have said for a while, where none has borne out the clock. */
  function doubt(eventTime: number, at: number): void {
    if (!newest || eventTime > timeAt(newest, at) - BEHIND.ms) {
      behind = null;
      return;
    }
    const { since = at, times = 0 } = behind ?? {};
    const said = behind && timeAt(behind, at) > eventTime ? behind : { time: eventTime, at };
    behind = { time: said.time, at: said.at, since, times: times + 1 };
    if (behind.times < BEHIND.times || at - since < BEHIND.forMs) return;
    newest = { time: behind.time, at: behind.at };
    behind = null;
  }

  return {
    note(eventTime, receivedAt = ours()) {
      const at = monotonic();
      if (isLeap(eventTime, at, eventTime > receivedAt + FUTURE_MS) && ++ahead < AGREEING) {
        return eventTime <= receivedAt + AHEAD_MS;
      }
      ahead = 0;
      if (newest === null || eventTime > newest.time) newest = { time: eventTime, at };
      doubt(eventTime, at);
      return true;
    },
    now: () => newest?.time ?? null,
    time() {
      if (newest === null || Math.abs(ours() - newest.time) > PRESENT_MS) return newest?.time ?? null;
      return Math.floor(timeAt(newest, monotonic()));
    },
  };
}

/**
 * Notes the times of a frame's events. Throws BadFrame for one of the future: whoever goes by its time would wait for that
 * moment.
 */
export function believe(events: readonly FeedEvent[], receivedAt: number, clock: ExchangeClock): void {
  for (const { event } of events) {
    const { eventTime } = event;
    if (eventTime > receivedAt + MAX_AHEAD_MS) {
      throw new BadFrame(`event time more than five minutes ahead (${eventTime})`);
    }
    if (!clock.note(eventTime, receivedAt)) throw new BadFrame(`event time ahead of all others (${eventTime})`);
  }
}
