/**
 * Whether a connection's silence is out of the ordinary, for exchanges that speak only when something happens: one that was
 * busy all the time and falls silent at once has stalled, though it may still answer pings; one whose markets trade now and
 * then has not. Times are monotonic ms.
 */
import { FEED_CHANNELS } from '../../schema/market.ts';
import type { Connector } from '../exchanges/connector.ts';
import type { Connection } from './connection.ts';

export interface Pace {
  heard(now: number): void;
  /** True where silence of this length was not to be expected. */
  isOdd(now: number): boolean;
}

/** Parts of the bound on silence that no pause may be longer than, and how many times it must have been so. */
const PAUSE = 6;
const BUSY = 3;
/** Times the bound after which even a silence that is believed is looked into. */
const QUIET = 40;

/** `staleMs` is the bound on silence of a feed that always speaks. */
export function createPace(staleMs: number): Pace {
  let busySince = Number.NEGATIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  return {
    heard(now) {
      if (now - last > staleMs / PAUSE) busySince = now;
      last = now;
    },
    isOdd: (now) => now - last > staleMs && last - busySince >= BUSY * staleMs,
  };
}

export interface Listener {
  /** A frame came. */
  heard(): void;
  /**
   * Called about four times in `staleMs`: cuts a connection that is gone or has stalled. True where it has been quiet for so
   * long that a new one should take its place, to see.
   */
  check(connection: Connection): boolean;
}

/** Listens to the connections of one feed. Where silence may be normal, pings tell whether the exchange is there. */
export function createListener({ channels }: Connector, staleMs: number): Listener {
  const pace = createPace(staleMs);
  const isSteady = FEED_CHANNELS.some((channel) => channels[channel]?.cadence === 'steady');
  let probedAt = 0;
  return {
    heard: () => pace.heard(performance.now()),
    check(connection) {
      const now = performance.now();
      const silent = now - connection.lastFrameAt();
      const isGone = now - connection.lastAliveAt() > staleMs;
      if (isGone || (silent > staleMs && (isSteady || pace.isOdd(now)))) connection.terminate('stale');
      else if (!isSteady && silent > QUIET * staleMs) return true;
      else if (!isSteady && silent >= staleMs / 3 && now - probedAt >= staleMs / 3) {
        probedAt = now;
        connection.probe();
      }
      return false;
    },
  };
}
