/**
 * crypto_arbitrage → gold.arbitrage_value, gold.arbitrage_average. Rows and checkpoint are written in one transaction, so
 * that a crash neither loses nor repeats a sample.
 */
import type { ArbitrageEvent } from '../../schema/arbitrage.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { bulkUpsert, ensureRowPartitions } from '../../src/platform/postgres/bulk.ts';
import { ensurePartitions } from '../../src/platform/postgres/partitions.ts';
import { ARBITRAGE_AVERAGE, ARBITRAGE_VALUE, addSamples, isSample } from '../gold/arbitrage.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { logId } from './log-id.ts';
import type { Source, Worker } from './worker.ts';

const GROUP = 'arbitrage-gold';

function open(platform: Platform): Source[] {
  const { postgres, config } = platform;
  const log = logId(platform);
  /** First offset that is not yet in the tables, per partition. */
  const done = new Map<number, bigint>();

  async function begin({ topic, partition }: TopicPartition): Promise<Checkpoint | null> {
    const checkpoint = await loadCheckpoint(platform, GROUP, { topic, partition }, (wanted, resumedAt) => {
      const offsets = { wanted: String(wanted), resumedAt: String(resumedAt) };
      platform.log.error({ group: GROUP, topic, partition, ...offsets }, 'spreads were gone before they were read');
    });
    done.set(partition, checkpoint?.next ?? 0n);
    return checkpoint;
  }

  const source: Source<ArbitrageEvent> = {
    topic: TOPICS.arbitrage.name,
    parse: (message) => TOPICS.arbitrage.parse(message.value),
    onAssigned: async (at) => (await begin(at))?.from ?? null,
    onRevoked: ({ partition }) => void done.delete(partition),
    async handle(items, batch) {
      if (!done.has(batch.partition)) await begin(batch);
      const from = done.get(batch.partition) ?? 0n;
      const due = items.filter(({ message }) => message.offset >= from);
      const last = due.at(-1);
      if (!last) return;
      const next = last.message.offset + 1n;
      const all = due.map(({ payload }) => payload);
      const values = all.filter((a) => a.changed && a.notional === config.ARBITRAGE_NOTIONALS[0]);
      const samples = all.filter(isSample);
      await ensureRowPartitions(postgres, ARBITRAGE_VALUE, values);
      const { table, unit, time } = ARBITRAGE_AVERAGE;
      await ensurePartitions(postgres, table, unit, samples.map(time));
      batch.check();
      // if the outcome of the write stays unknown, the tables are asked before the next one
      done.delete(batch.partition);
      await postgres.transaction(async (sql) => {
        await saveCheckpoint(sql, log, GROUP, batch, next);
        metrics.rows.inc({ table: ARBITRAGE_VALUE.table }, await bulkUpsert(sql, ARBITRAGE_VALUE, values));
        await addSamples(sql, samples);
      });
      done.set(batch.partition, next);
    },
  };
  return [source as Source];
}

export const arbitrageGold: Worker = { group: GROUP, maxBatch: 2_000, open };
