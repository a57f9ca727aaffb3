/** What the live core tells of a stream. */
import type { GapReason } from '../../schema/channels.ts';
import type { StreamPosition } from '../platform/live/store.ts';

export interface Gap {
  /** Events missing; null where the number cannot be known. */
  missed: number | null;
  reason: GapReason;
}

/** One event of one stream, shared by everybody who sees the stream the same way. */
export interface Delivery<Body> {
  readonly at: StreamPosition;
  readonly cursor: string;
  /** What is missing before this event for everybody who follows the stream. */
  readonly gap: Gap | null;
  readonly body: Body;
  /** Exchange's clock, epoch ms; null where the event is a state that was there before. */
  readonly eventTime: number | null;
}

/** Two losses before one event: they add up, the later reason stands. */
export function addGaps(before: Gap | null, after: Gap | null): Gap | null {
  if (!before || !after) return after ?? before;
  const missed = before.missed === null || after.missed === null ? null : before.missed + after.missed;
  return { missed, reason: after.reason };
}
