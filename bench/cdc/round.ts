/** One source of changes measured beside the limit, both at once on one database. */

import { insertMany } from '../../test/ingestion/capture/capture-platform.ts';
import { type CdcWorld, startCdcWorld } from '../../test/path/cdc-world.ts';
import { startDebezium } from '../../test/support/debezium.ts';
import { startRole } from '../../test/support/role.ts';
import { until } from '../../test/support/until.ts';
import { startLimit } from './limit.ts';

export type Source = 'embedded' | 'debezium';

export interface Figures {
  /** Of each write, from its being sent to the database to the subscriber, ms. */
  p50: number;
  p99: number;
  /** From the commit of the large upsert to its last row. */
  rowsPerSecond: number;
}

export interface Round {
  source: Source;
  limit: Figures;
  measured: Figures;
}

export interface Size {
  /** Single writes, and rows of the one upsert. */
  writes: number;
  rows: number;
}

const BOUND = { timeoutMs: 300_000, everyMs: 20 };
/** Between two single writes: fewer than the path can do, so that nothing queues. */
const APART_MS = 40;

async function beginCapture(source: Source, world: CdcWorld): Promise<() => Promise<unknown>> {
  const { settings, kafka, password } = world;
  if (source === 'embedded') {
    const reader = startRole('src/work.ts', { ...settings, CDC_SOURCE: 'embedded' }, ['--only=capture']);
    return () => reader.end('SIGTERM');
  }
  const debezium = await startDebezium({ brokers: kafka.brokers, databaseUrl: settings.DATABASE_URL ?? '', password });
  await debezium.register();
  await debezium.running();
  return () => debezium.stop();
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** When each key arrived, on the clock of this process. */
class Arrivals {
  readonly first = new Map<string, number>();
  /** Changes of rows of the upsert. */
  rows = 0;
  lastRowAt = 0;

  take(key: string): void {
    if (key.startsWith('row')) {
      this.rows += 1;
      this.lastRowAt = performance.now();
    } else if (!this.first.has(key)) this.first.set(key, performance.now());
  }

  figures(sent: ReadonlyMap<string, number>, rows: number, committed: number): Figures {
    const took = [...sent].map(([key, at]) => (this.first.get(key) ?? Number.NaN) - at).sort((a, b) => a - b);
    const seconds = (this.lastRowAt - committed) / 1_000;
    return { p50: quantile(took, 0.5), p99: quantile(took, 0.99), rowsPerSecond: rows / seconds };
  }
}

/** Starts everything anew and measures. Throws when a part does not start or does not keep up within five minutes. */
export async function measure(source: Source, { writes, rows }: Size): Promise<Round> {
  const world = await startCdcWorld('off', { audit: false });
  const [raw, ours] = [new Arrivals(), new Arrivals()];
  let endCapture: (() => Promise<unknown>) | undefined;
  let limit: Awaited<ReturnType<typeof startLimit>> | undefined;
  let read = 0;
  world.onEvent(({ cdcEvent: { record } }) => {
    if (record.op === 'READ') read += 1;
    else ours.take(String(record.key?.order_number));
  });
  try {
    endCapture = await beginCapture(source, world);
    await until('the snapshot', () => read >= 5, BOUND);
    limit = await startLimit(world.server.url, (key) => raw.take(key));
    const warm = async (): Promise<boolean> => {
      await world.postgres.query(insertMany(`warm${Date.now()}-`, 50));
      return ours.first.size > 500 && raw.first.size > 500;
    };
    await until('warm code', warm, { timeoutMs: 60_000, everyMs: 100 });

    const sent = new Map<string, number>();
    for (let i = 0; i < writes; i++) {
      const at = performance.now();
      await world.postgres.query(insertMany(`single${i}-`, 1));
      sent.set(`single${i}-0`, at);
      await new Promise((next) => setTimeout(next, APART_MS));
    }
    const all = (): boolean => [...sent.keys()].every((key) => ours.first.has(key) && raw.first.has(key));
    await until('every single write', all, BOUND);

    // half of them are there already, so that the upsert inserts and updates
    await world.postgres.query(insertMany('row', rows / 2));
    await until('the first half', () => ours.rows >= rows / 2 && raw.rows >= rows / 2, BOUND);
    ours.rows = 0;
    raw.rows = 0;
    await world.postgres.query(
      `${insertMany('row', rows)} ON CONFLICT (order_number) DO UPDATE SET amount = excluded.amount + 1`,
    );
    const committed = performance.now();
    await until('every row', () => ours.rows >= rows && raw.rows >= rows, BOUND);
    return {
      source,
      limit: raw.figures(sent, rows, committed),
      measured: ours.figures(sent, rows, committed),
    };
  } finally {
    await limit?.stop();
    await endCapture?.();
    await world.stop();
  }
}
