/**
 * Where the worker `live` goes on in a source partition, and in which epoch. The place is remembered in the live store, not
 * in the consumer group, as it must be true for the streams. A new epoch tells every holder of a cursor to begin anew.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import type { SourcePosition } from '../../src/platform/live/store.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { logId } from '../workers/log-id.ts';

/** The log and the number of partitions that an epoch belongs to; it ends when either changes. */
function suffix(log: string, partitions: number): string {
  return `${partitions}-${createHash('sha256').update(log).digest('hex').slice(0, 6)}`;
}

/** A new epoch of a topic with this many partitions in this log, e.g. `9f86d081e3-8-a1b2c3`. */
export function newEpoch(log: string, partitions: number): string {
  return `${randomBytes(5).toString('hex')}-${suffix(log, partitions)}`;
}

/** Why the remembered place can't be gone on from; null where it can. */
function unusable(
  known: SourcePosition | null,
  mark: { low: bigint; high: bigint },
  log: string,
  partitions: number,
): string | null {
  if (!known) return 'nothing remembered';
  if (!known.epoch.endsWith(`-${suffix(log, partitions)}`)) return 'another log or number of partitions';
  if (known.next < mark.low) return "behind the log's start";
  if (known.next > mark.high) return "past the log's end";
  return null;
}

/** Goes on where the live store says, or begins a new epoch at the log's start. Throws what the stores throw. */
export async function beginSource(platform: Platform, { topic, partition }: TopicPartition): Promise<SourcePosition> {
  const marks = await platform.broker.watermarks(topic);
  const mark = marks.find((m) => m.partition === partition) ?? { low: 0n, high: 0n };
  const known = await platform.live.sourcePosition(topic, partition);
  const log = logId(platform);
  const reason = unusable(known, mark, log, marks.length);
  if (known && reason === null) return known;
  const position: SourcePosition = { epoch: newEpoch(log, marks.length), next: mark.low, catchUpTo: mark.high };
  await platform.live.rememberSource(topic, partition, position);
  // a cursor of the old epoch is no longer good; where there was none, nobody has one
  const level = known ? 'warn' : 'debug';
  platform.log[level]({ group: 'live', topic, partition, reason, epoch: position.epoch }, 'new epoch');
  return position;
}
