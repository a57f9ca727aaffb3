/**
 * crypto_kline_1m → crypto_kline and gold.kline: the candles of all intervals. The only producer of crypto_kline.
 *
 * Order of a batch: produce, then rows and checkpoint in one transaction. A crash between the two produces the same candles
 * again, which readers drop as repeats; a crash after the transaction repeats nothing, as reading goes on at the checkpoint.
 */
import { type KlineEvent, marketId } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { bulkUpsert, ensureRowPartitions } from '../../src/platform/postgres/bulk.ts';
import { GOLD_KLINE, loadCandles, loadNewestMinutes } from '../gold/kline.ts';
import { KlineWindows } from '../klines/windows.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { fault } from './fault.ts';
import { logId } from './log-id.ts';
import { checkMinute } from './quality.ts';
import type { Item, Source, WorkBatch, Worker } from './worker.ts';

const GROUP = 'klines';
/** Candles in one send, and in one statement. */
const CHUNK = 1_000;

/** What is held of one source partition. */
interface State {
  /** First offset that is not yet in gold; null where that is unknown. */
  next: bigint | null;
  /** Where reading begins; null leaves that to the group. */
  from: bigint | null;
  markets: Map<string, KlineWindows>;
}

function open(platform: Platform): Source[] {
  const { broker, postgres } = platform;
  const log = logId(platform);
  const states = new Map<number, State>();

  async function begin(at: TopicPartition): Promise<State> {
    const checkpoint = await loadCheckpoint(platform, GROUP, at, (wanted, resumedAt) => {
      const offsets = { wanted: String(wanted), resumedAt: String(resumedAt) };
      platform.log.error({ group: GROUP, ...at, ...offsets }, 'candles were gone before they were read');
    });
    const state: State = { next: checkpoint?.next ?? null, from: checkpoint?.from ?? null, markets: new Map() };
    states.set(at.partition, state);
    return state;
  }

  async function fold({ markets }: State, minutes: readonly KlineEvent[]): Promise<KlineEvent[]> {
    const byMarket = Map.groupBy(minutes, marketId);
    const fresh = [...byMarket].flatMap(([id, [first]]) => (first && !markets.has(id) ? [{ id, first }] : []));
    const newest = await loadNewestMinutes(
      postgres,
      fresh.map((f) => f.first),
    );
    for (const [i, { id, first }] of fresh.entries()) markets.set(id, new KlineWindows(first, newest[i] ?? null));

    const wanted = [...byMarket].flatMap(([id, [first, ...rest]]) => {
      const windows = markets.get(id);
      if (!windows || !first) return [];
      const days = windows.missingDays([first, ...rest].map((k) => k.openTime));
      return days.map((day) => ({ id, windows, day, exchange: first.exchange, symbol: first.symbol }));
    });
    const stored = Map.groupBy(await loadCandles(postgres, wanted), (k) => dayKey(marketId(k), k.openTime));
    for (const { id, windows, day } of wanted) windows.loadDay(day, stored.get(dayKey(id, day)) ?? []);

    return [...byMarket].flatMap(([id, ofMarket]) => {
      const windows = markets.get(id);
      for (const minute of ofMarket) windows?.apply(minute);
      return windows?.take() ?? [];
    });
  }

  async function write(candles: readonly KlineEvent[], next: bigint, batch: WorkBatch): Promise<void> {
    const { name, key, encode } = TOPICS.kline;
    for (let i = 0; i < candles.length; i += CHUNK) {
      batch.check();
      const part = candles.slice(i, i + CHUNK);
      await broker.send(
        name,
        part.map((k) => ({ key: key(k), value: encode(k) })),
      );
    }
    fault('after_produce');
    await ensureRowPartitions(postgres, GOLD_KLINE, candles);
    batch.check();
    await postgres.transaction(async (sql) => {
      await saveCheckpoint(sql, log, GROUP, batch, next);
      for (let i = 0; i < candles.length; i += CHUNK) {
        const rows = await bulkUpsert(sql, GOLD_KLINE, candles.slice(i, i + CHUNK));
        metrics.rows.inc({ table: GOLD_KLINE.table }, rows);
      }
    });
  }

  async function handle(items: readonly Item<KlineEvent>[], batch: WorkBatch): Promise<void> {
    const state = states.get(batch.partition) ?? (await begin(batch));
    const { next: done } = state;
    const due = done === null ? items : items.filter((item) => item.message.offset >= done);
    const last = due.at(-1);
    if (!last) return;
    const next = last.message.offset + 1n;
    try {
      const candles = await fold(
        state,
        due.map((item) => item.payload),
      );
      await write(candles, next, batch);
      state.next = next;
    } catch (error) {
      // what is in memory is ahead of the tables now: load it anew
      states.delete(batch.partition);
      throw error;
    }
  }

  const source: Source<KlineEvent> = {
    topic: TOPICS.kline1m.name,
    parse: (message) => checkMinute(TOPICS.kline1m.parse(message.value)),
    onAssigned: async (at) => (await begin(at)).from,
    onRevoked: ({ partition }) => void states.delete(partition),
    onLost: ({ partition }) => void states.delete(partition),
    handle,
  };
  return [source];
}

function dayKey(id: string, time: number): string {
  return `${id} ${new Date(time).toISOString().slice(0, 10)}`;
}

export const klines: Worker = { group: GROUP, maxBatch: 2_000, gatherMs: 100, open };
