/**
 * Captured changes → silver.cdc_record and gold.c2c_window. Records, windows and checkpoint are written in one transaction,
 * so that a crash or a redelivery neither loses nor repeats a change.
 */
import type { CdcChange } from '../../schema/cdc.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { parseChange } from '../cdc/change.ts';
import { addRecords, withKnownValues } from '../cdc/records.ts';
import { addToWindows, countedOf, LATE_MS } from '../gold/c2c-window.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { logId } from './log-id.ts';
import type { Item, Source, Worker } from './worker.ts';

const GROUP = 'cdc';

interface State {
  /** First offset that is not yet in the tables. */
  next: bigint;
  /** Newest commit time so far, epoch ms: how late a change is, is reckoned from it. */
  newest: number;
}

/** The newest commit time after each change. The log's own stamp bounds it, so that a wrong clock makes no other change late. */
function newestTimes(items: readonly Item<CdcChange>[], before: number): Map<string, number> {
  const times = new Map<string, number>();
  let newest = before;
  for (const { payload, message } of items) {
    // a snapshot is read at another time than its rows were written
    if (payload.op !== 'READ') newest = Math.max(newest, Math.min(payload.eventTime, message.timestamp));
    if (!times.has(payload.id)) times.set(payload.id, newest);
  }
  return times;
}

function open(platform: Platform): Source[] {
  const { postgres } = platform;
  const log = logId(platform);
  const states = new Map<number, State>();

  async function begin({ topic, partition }: TopicPartition): Promise<Checkpoint | null> {
    const checkpoint = await loadCheckpoint(platform, GROUP, { topic, partition }, (wanted, resumedAt) => {
      const offsets = { wanted: String(wanted), resumedAt: String(resumedAt) };
      platform.log.error({ group: GROUP, topic, partition, ...offsets }, 'changes were gone before they were read');
    });
    const { newest = 0 } = (checkpoint?.state ?? {}) as Partial<State>;
    states.set(partition, { next: checkpoint?.next ?? 0n, newest });
    return checkpoint;
  }

  const source: Source<CdcChange> = {
    topic: TOPICS.cdc.name,
    parse: parseChange,
    onAssigned: async (at) => (await begin(at))?.from ?? null,
    onRevoked: ({ partition }) => void states.delete(partition),
    async handle(items, batch) {
      if (!states.has(batch.partition)) await begin(batch);
      const state = states.get(batch.partition) ?? { next: 0n, newest: 0 };
      const due = items.filter(({ message }) => message.offset >= state.next);
      const last = due.at(-1);
      if (!last) return;
      const next = last.message.offset + 1n;
      const times = newestTimes(due, state.newest);
      const newest = Math.max(state.newest, ...times.values());
      batch.check();
      // if the outcome of the write stays unknown, the tables are asked before the next one
      states.delete(batch.partition);
      const written = await postgres.transaction(async (sql) => {
        // first of all: it keeps out whoever still writes for the partition, so that records are in the order of the log
        await saveCheckpoint(sql, log, GROUP, batch, next, { newest });
        const added = await addRecords(
          sql,
          await withKnownValues(
            sql,
            due.map(({ payload }) => payload),
          ),
        );
        const counted = added.flatMap((change) => {
          const one = countedOf(change);
          return one ? [{ one, late: (times.get(change.id) ?? 0) - change.eventTime > LATE_MS }] : [];
        });
        await addToWindows(
          sql,
          counted.flatMap(({ one, late }) => (late ? [] : [one])),
        );
        return { added: added.length, late: counted.filter(({ late }) => late).length };
      });
      metrics.rows.inc({ table: 'silver.cdc_record' }, written.added);
      metrics.lateChanges.inc(written.late);
      states.set(batch.partition, { next, newest });
    },
  };
  return [source as Source];
}

export const cdc: Worker = { group: GROUP, maxBatch: 2_000, gatherMs: 100, open };
