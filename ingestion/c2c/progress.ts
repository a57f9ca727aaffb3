/** How far each sink has come with each side of one merchant's orders: ops.watermark. */
import { createHash } from 'node:crypto';
import type { C2cTradeType } from '../../schema/c2c.ts';
import { holderName } from '../../src/platform/postgres/lease.ts';
import type { Postgres, Sql } from '../../src/platform/postgres/postgres.ts';
import { lockProgress, saveProgress } from '../../src/platform/postgres/progress.ts';
import { banOf, restPlace } from '../feed/bans.ts';
import type { C2cSilence } from './client.ts';
import { advanced, type Position, resumed, type Window } from './windows.ts';

export type C2cSink = 'upsert' | 'landing';

/** What is written down: of another account nothing counts. */
type Stored = Position & { account: string };

/** Tells accounts apart without telling which: of the host and the key. A stand-in has another port with every start. */
export function accountOf(base: string, key: string): string {
  return createHash('sha256')
    .update(`${new URL(base).hostname}\n${key}`)
    .digest('hex')
    .slice(0, 16);
}

const stepOf = (sink: C2cSink, side: C2cTradeType): string => `c2c.${sink}.${side}`;

/** The position; null where nothing of this account is stored yet. */
export async function readPosition(
  sql: Sql,
  account: string,
  sink: C2cSink,
  side: C2cTradeType,
): Promise<Position | null> {
  const [row] = await sql.query<{ position: Partial<Stored> }>('SELECT position FROM ops.watermark WHERE step = $1', [
    stepOf(sink, side),
  ]);
  const { account: known, through, open } = row?.position ?? {};
  return known === account && through !== undefined && open ? { through, open } : null;
}

/**
 * Writes down that the sink has all of a window, `openAt` being when its orders that had not ended were made. `first` is where
 * the position begins at the earliest; null where this window says nothing of what lies before it. Whoever else
 * writes at the same time, nothing of theirs is lost.
 */
export async function savePosition(
  postgres: Postgres,
  at: { account: string; sink: C2cSink; side: C2cTradeType },
  window: Window,
  openAt: readonly number[],
  first: Position | null,
): Promise<void> {
  await postgres.transaction(async (sql) => {
    const step = stepOf(at.sink, at.side);
    const known = await lockProgress<Stored>(sql, step);
    const position = resumed(known?.account === at.account ? known : null, first);
    if (position) await saveProgress(sql, step, { ...advanced(position, window, openAt), account: at.account });
  });
}

/**
 * The silence that the exchange asked any process for, kept over their ends: the same for the feeds, where their REST calls go
 * to the same host.
 */
export function keptSilence(postgres: Postgres, base: string): C2cSilence {
  return banOf(postgres, restPlace(base), holderName());
}
