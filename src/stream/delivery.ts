/** What the live core tells of a stream. */
import type { GapReason, StreamStart } from '../../schema/channels.ts';
import type { StreamPosition } from '../platform/live/store.ts';

export interface Gap {
  /** Events missing; null where the number cannot be known. */
  missed: number | null;
  reason: GapReason;
}

/** One event of one stream, shared by everybody who sees the stream the same way. */
export interface Delivery<Body> {
  /** The stream's key. */
  readonly stream: string;
  readonly at: StreamPosition;
  readonly cursor: string;
  /** What is missing before this event for everybody who follows the stream. */
  readonly gap: Gap | null;
  readonly body: Body;
  /** Exchange's clock, epoch ms; null where the event is a state that was there before. */
  readonly eventTime: number | null;
  /** Epoch ms at which the log got it, where it comes again or may do so after the store lost its data; else null. */
  readonly logged: number | null;
  /** Where it stands for several: the sequence of the event told before them, from which on `gap` counts. */
  readonly from?: bigint;
  /** The same for one who has more than `from` already; left out where there is no difference. */
  readonly whole?: Delivery<Body>;
}

/** Two losses before one event: they add up, the later reason stands. */
export function addGaps(before: Gap | null, after: Gap | null): Gap | null {
  if (!before || !after) return after ?? before;
  const missed = before.missed === null || after.missed === null ? null : before.missed + after.missed;
  return { missed, reason: after.reason };
}

/** An event with what is told of it to one subscriber alone. */
export interface Told<Body> {
  delivery: Delivery<Body>;
  start: StreamStart | null;
  gap: Gap | null;
  /** Told from history. */
  replayed: boolean;
  /** The encoded result, where it is known already. */
  payload: string | null;
  /** What it is about, where those that wait are merged. */
  key?: string | null;
}

/** What is missing before an event for one who has those up to `has`, some of which it may stand for. */
export function unseenGap({ at, from, gap }: Delivery<unknown>, has: bigint): Gap | null {
  if (from === undefined || has <= from || !gap?.missed) return gap;
  const missed = Math.min(gap.missed, Number(at.sequence - has - 1n));
  return missed > 0 ? { ...gap, missed } : null;
}
