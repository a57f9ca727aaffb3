import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url));
const POINTS = ['mid_batch', 'after_produce', 'after_write', 'after_commit', 'before_dlq'];

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

async function run(url: string, env: Record<string, string>): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD], {
    env: { PATH: process.env.PATH, DATABASE_URL: url, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const reap = (): void => void child.kill('SIGKILL');
  process.once('exit', reap);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  process.off('exit', reap);
  return { code, signal };
}

/** Everything the workers say, but for the times at which they said it. */
async function content(postgres: Postgres): Promise<unknown[]> {
  const queries = [
    'SELECT * FROM silver.trade ORDER BY symbol, event_time, trade_id',
    'SELECT * FROM silver.kline_1m ORDER BY symbol, open_time',
    // a candle changed by a late minute gets the next free millisecond, which depends on the batches
    `SELECT exchange, symbol, interval, open_time, open, high, low, close, volume, quote_volume, trade_count, is_closed, coverage
     FROM gold.kline ORDER BY symbol, interval, open_time`,
    'SELECT group_name, topic, partition, "offset", reason, value FROM ops.dead_letter ORDER BY 1, 2, 3, 4',
    'SELECT group_name, topic, partition, next_offset FROM ops.checkpoint ORDER BY 1, 2, 3',
  ];
  return Promise.all(queries.map((text) => postgres.query(text)));
}

describe('workers killed in the middle', () => {
  let server: TestDatabase;
  let expected: unknown[];
  before(async () => {
    server = await sharedPostgres();
    const { url, postgres, stop } = await openTestDatabase(MIGRATIONS);
    assert.deepEqual(await run(url, {}), { code: 0, signal: null });
    expected = await content(postgres);
    await stop();
  });
  after(() => server.stop());

  for (const point of POINTS) {
    test(`${point}: the tables end up as without a crash`, async () => {
      const { url, postgres, stop } = await openTestDatabase(MIGRATIONS);
      try {
        for (const times of [0, 2]) {
          const ended = await run(url, {
            CRASH_AT: point,
            CRASH_AFTER: String(times),
            START_LATE: times > 0 ? '1' : '0',
          });
          // a later run may find so little left to do that it gets through
          if (times === 0) assert.equal(ended.signal, 'SIGKILL');
          else assert.ok(ended.signal === 'SIGKILL' || ended.code === 0);
        }
        assert.deepEqual(await run(url, { START_LATE: '1' }), { code: 0, signal: null });
        assert.deepEqual(await content(postgres), expected);
      } finally {
        await stop();
      }
    });
  }
});
