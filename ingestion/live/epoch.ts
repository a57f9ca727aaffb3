/**
 * Where the worker `live` goes on in a source partition, and in which epoch. The place is remembered in the live store, not
 * in the consumer group, as it must be true for the streams. A new epoch tells every holder of a cursor to begin anew.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import type { SourcePosition } from '../../src/platform/live/store.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { logId } from '../workers/log-id.ts';
import { Untold } from './untold.ts';

/** The log and the number of partitions that an epoch belongs to; it ends when either changes. */
function suffix(log: string, partitions: number): string {
  return `${partitions}-${createHash('sha256').update(log).digest('hex').slice(0, 6)}`;
}

/** A new epoch of a topic with this many partitions in this log, e.g. `9f86d081e3-8-a1b2c3`. */
export function newEpoch(log: string, partitions: number): string {
  return `${randomBytes(5).toString('hex')}-${suffix(log, partitions)}`;
}

/** Why the remembered place can't be gone on from, where reading begins instead, and whether what lies between is lost. */
interface NewStart {
  reason: string;
  next: bigint;
  isLossy: boolean;
}

function newStart(
  known: SourcePosition | null,
  { low, high }: { low: bigint; high: bigint },
  log: string,
  partitions: number,
): NewStart | null {
  // an emptied store: those who follow find out by themselves what they were told
  if (!known) return { reason: 'nothing remembered', next: low, isLossy: false };
  const { epoch, next } = known;
  const end = suffix(log, partitions);
  const logOf = (text: string): string | undefined => text.split('-').at(-1);
  if (logOf(epoch) !== logOf(end)) return { reason: 'another log', next: low, isLossy: true };
  if (next < low) return { reason: "behind the log's start", next: low, isLossy: true };
  if (next > high) return { reason: "past the log's end", next: low, isLossy: true };
  return epoch.endsWith(`-${end}`) ? null : { reason: 'another number of partitions', next, isLossy: false };
}

/**
 * Goes on where the live store says, or begins a new epoch: where it was, if its log still has that, else at the log's
 * start. Where messages were lost in between, all streams of the partition owe it. Throws what the stores throw.
 */
export async function beginSource(platform: Platform, { topic, partition }: TopicPartition): Promise<SourcePosition> {
  const marks = await platform.broker.watermarks(topic);
  const mark = marks.find((m) => m.partition === partition) ?? { low: 0n, high: 0n };
  const known = await platform.live.sourcePosition(topic, partition);
  const log = logId(platform);
  const start = newStart(known, mark, log, marks.length);
  if (known && start === null) return known;
  const { reason = '', next = mark.low, isLossy = false } = start ?? {};
  const position: SourcePosition = { epoch: newEpoch(log, marks.length), next, catchUpTo: mark.high };
  // before the old place is forgotten
  if (isLossy) await (await new Untold(platform.live, { topic, partition }, position.epoch).load()).oweAll();
  await platform.live.rememberSource(topic, partition, position);
  // a cursor of the old epoch is no longer good; where there was none, nobody has one
  const level = known ? 'warn' : 'debug';
  platform.log[level]({ group: 'live', topic, partition, reason, epoch: position.epoch }, 'new epoch');
  return position;
}
