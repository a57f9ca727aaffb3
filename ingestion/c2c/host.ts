/** Whose orders a database holds: simulated and real ones never come to lie in one. */
import type { Postgres, Sql } from '../../src/platform/postgres/postgres.ts';
import { lockProgress, saveProgress } from '../../src/platform/postgres/progress.ts';
import { TaskFailed } from '../task.ts';

const STEP = 'c2c.host';
const LOOPBACK = /^(localhost|.+\.localhost|127(\.[0-9]+){3}|\[::1\])$/;

/** What a base is one with: its host, or `simulated` for any on loopback, as a stand-in has another port with every start. */
export function hostOf(base: string): string {
  const { hostname } = new URL(base);
  return LOOPBACK.test(hostname) ? 'simulated' : hostname;
}

function refuseOther(known: string | undefined, host: string): void {
  if (known === undefined || known === host) return;
  throw new TaskFailed(
    `this database holds C2C orders of "${known}" and takes none of "${host}": use another database and landing store`,
  );
}

/**
 * Throws TaskFailed where the database holds orders of another host. What it resolves with is to be called when the first
 * answer is there: from then on the database is this host's. It throws likewise.
 */
export async function claimHost(postgres: Postgres, base: string): Promise<() => Promise<void>> {
  const host = hostOf(base);
  const [row] = await postgres.query<{ host: string | null }>(
    `SELECT position->>'host' AS host FROM ops.watermark WHERE step = $1`,
    [STEP],
  );
  refuseOther(row?.host ?? undefined, host);
  let claimed = row?.host === host;
  return async () => {
    if (claimed) return;
    await postgres.transaction(async (sql: Sql) => {
      refuseOther((await lockProgress<{ host?: string }>(sql, STEP))?.host, host);
      await saveProgress(sql, STEP, { host });
    });
    claimed = true;
  };
}
