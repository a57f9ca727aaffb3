import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { openTestDatabase, sharedPostgres, type TestDatabase } from '../../support/postgres.ts';

const CHILD = fileURLToPath(new URL('arbitrage-child.ts', import.meta.url));
/** Where it dies, and how often it passes the place before: in turn, until it gets through. */
const DEATHS = {
  'before what was said is committed': [
    ['after_produce', 0],
    ['after_produce', 5],
    ['after_write', 3],
  ],
  'before and after the commit': [
    ['after_write', 0],
    ['after_commit', 1],
    ['after_commit', 6],
  ],
  'in the middle of a batch': [
    ['mid_batch', 0],
    ['mid_batch', 4],
    ['after_produce', 2],
  ],
} as const;

async function run(url: string, file: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD], {
    env: { PATH: process.env.PATH, DATABASE_URL: url, LOG_FILE: file, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const reap = (): void => void child.kill('SIGKILL');
  process.once('exit', reap);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  process.off('exit', reap);
  return signal ?? `exit ${code}`;
}

interface Minute {
  pair: string;
  krw: boolean;
  minute: Date;
  samples: number;
}

async function minutes(postgres: Postgres): Promise<Minute[]> {
  const rows = await postgres.query<Minute>(
    `SELECT concat_ws(' ', base, buy_exchange, buy_symbol, sell_exchange, sell_symbol, notional) AS pair,
       concat(buy_symbol, sell_symbol) LIKE '%KRW%' AS krw, minute, samples, sum, sum_of_squares, min, max, last_sample
     FROM gold.arbitrage_average ORDER BY pair, minute`,
  );
  // when a rate is heard of decides at which moment of its second a pair in KRW is looked at
  return rows.map((row) =>
    row.krw ? { pair: row.pair, krw: row.krw, minute: row.minute, samples: row.samples } : row,
  );
}

describe('a worker that is killed and started again loses and repeats no minute of the averages', () => {
  let server: TestDatabase;
  let folder: string;
  let expected: Minute[];

  const world = async (name: string, use: (postgres: Postgres, run: Run) => Promise<void>): Promise<void> => {
    const { url, postgres, stop } = await openTestDatabase(MIGRATIONS);
    const markets = ['BINANCE BTC', 'KUCOIN BTC', 'UPBIT ETH', 'BINANCE ETH', 'BITHUMB ETH KRW', 'BITHUMB USDT KRW'];
    try {
      for (const market of markets) {
        const [exchange, base, quote = 'USDT'] = market.split(' ');
        await postgres.query(
          `INSERT INTO gold.market (exchange, symbol, native_symbol, base, quote, status, taker_fee_percent)
           VALUES ($1, $2, $2, $3, $4, 'TRADING', 0.1)`,
          [exchange, `${base}-${quote}`, base, quote],
        );
      }
      await use(postgres, (env) => run(url, join(folder, `${name}.log`), env));
    } finally {
      await stop();
    }
  };

  before(async () => {
    server = await sharedPostgres();
    folder = mkdtempSync(join(tmpdir(), 'tickgraph-spreads-'));
    await world('uninterrupted', async (postgres, go) => {
      assert.equal(await go({}), 'exit 0');
      expected = await minutes(postgres);
    });
    // eight directions, of two sizes, and four minutes, each full
    assert.deepEqual([expected.length, new Set(expected.map((m) => m.samples))], [8 * 2 * 4, new Set([60])]);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.stop();
  });

  for (const [what, deaths] of Object.entries(DEATHS)) {
    test(what, () =>
      world(what, async (postgres, go) => {
        let killed = 0;
        for (const [point, times] of deaths) {
          const ended = await go({ CRASH_AT: point, CRASH_AFTER: String(times) });
          // a later run may find so little left to do that it gets through
          assert.ok(ended === 'SIGKILL' || ended === 'exit 0', ended);
          if (ended === 'SIGKILL') killed += 1;
        }
        assert.ok(killed > 0);
        assert.equal(await go({}), 'exit 0');
        assert.deepEqual(await minutes(postgres), expected);
      }),
    );
  }
});

type Run = (env: Record<string, string>) => Promise<string>;
