/**
 * Walks the rows of bronze.raw_event that a REST answer brought, a part at a time: each part, what is made of it and how far
 * that is are one transaction. Rows come in the order of the transactions that wrote them, so that one that commits late is
 * met all the same, see src/platform/postgres/progress.ts.
 */
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { type Horizon, horizonOf, lockProgress, saveProgress } from '../../src/platform/postgres/progress.ts';
import type { TaskContext, TaskResult } from '../task.ts';
import { fault } from '../workers/fault.ts';

/** A place in the order of rows; everything up to it is done. */
export interface Place {
  tx: string;
  id: string;
}
type Position = Place & { system: string };

/** What a statement made of a part: `next` is the last row it read, null where there was none. */
export interface Part {
  rowsIn: number;
  rowsOut: number;
  next: Place | null;
}

export interface Walk {
  /** Name of the step in ops.watermark. */
  readonly step: string;
  /** Rows of one part. */
  readonly partRows: number;
  /** Done before each part and outside its transaction, e.g. to make partitions. */
  prepare?(sql: Sql, from: Place, limit: number): Promise<void>;
  /** Makes the next `limit` rows after `from`. */
  make(sql: Sql, from: Place, limit: number): Promise<Part>;
}

/** The rows of a part, for the beginning of its statement: source $1, place $2 and $3, limit $4. */
export const PART = `SELECT tx, event_id, call_id, symbol, ts_event, received_at, payload FROM bronze.raw_event
  WHERE source = $1 AND call_id IS NOT NULL AND (tx, event_id) > ($2::xid8, $3) ORDER BY tx, event_id LIMIT $4`;

const START: Place = { tx: '0', id: '' };

function settled(at: Place, { tx }: Horizon): Place {
  return BigInt(at.tx) < BigInt(tx) ? at : { tx, id: '' };
}

/** Makes everything that is new. Throws what the database says, and when `signal` aborts; what is done stays done. */
export async function walk({ step, partRows, prepare, make }: Walk, context: TaskContext): Promise<TaskResult> {
  const { platform, signal, progress } = context;
  const total: TaskResult = { rowsIn: 0, rowsOut: 0 };
  // of the beginning: what commits while the parts are made may belong before them
  const horizon = await horizonOf(platform.postgres);
  const known = await platform.postgres.transaction((sql) => lockProgress<Position>(sql, step));
  let place: Place = known?.system === horizon.system ? { tx: known.tx, id: known.id } : START;
  for (let more = true; more; ) {
    signal.throwIfAborted();
    const from = place;
    await prepare?.(platform.postgres, from, partRows);
    const part = await platform.postgres.transaction(async (sql) => {
      // compiling takes longer than a part does
      await sql.query('SET LOCAL jit = off');
      await lockProgress<Position>(sql, step);
      const made = await make(sql, from, partRows);
      fault('after_write');
      if (made.next) await saveProgress(sql, step, { system: horizon.system, ...settled(made.next, horizon) });
      return made;
    });
    fault('after_commit');
    place = part.next ?? place;
    more = part.rowsIn === partRows;
    total.rowsIn += part.rowsIn;
    total.rowsOut += part.rowsOut;
    progress(total.rowsIn, null);
  }
  return total;
}
