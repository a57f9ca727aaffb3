import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type MerchantPlatform, startMerchant } from '../c2c/merchant-platform.ts';

const CHILD = fileURLToPath(new URL('step-child.ts', import.meta.url));
const START = Date.UTC(2026, 4, 17, 9, 30);
let merchant: MerchantPlatform;
before(async () => {
  merchant = await startMerchant({ startAt: START, orders: 900, seed: 5 });
});
after(() => merchant.stop());

const [INGEST, BRONZE] = ['ingest_c2c_orders', 'landing_to_bronze'];

async function step(
  folder: string,
  steps: readonly string[],
  settings: Record<string, string> = {},
): Promise<NodeJS.Signals | number | null> {
  const { sim } = merchant;
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...steps], {
    env: {
      ...{ PATH: process.env.PATH, DATABASE_URL: merchant.platform().config.DATABASE_URL, SLEEP_INTERVAL: '0' },
      ...{ BINANCE_C2C_URL: sim.url, BINANCE_API_KEY: sim.key, BINANCE_API_SECRET: sim.secret },
      ...{ LANDING_URL: `file://${folder}`, BRONZE_CLEANUP_MODE: 'delete', ...settings },
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const reap = (): void => void child.kill('SIGKILL');
  process.once('exit', reap);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  process.off('exit', reap);
  return signal ?? code;
}

/** Of every order the newest answer in bronze, and the row of the table: both say what the exchange says. */
async function agrees(): Promise<void> {
  const said = new Map(merchant.sim.orders().map((order) => [order.orderNumber, order.orderStatus]));
  for (const query of [
    'SELECT order_number AS n, order_status AS status FROM public.c2c_order',
    `SELECT DISTINCT ON (payload->>'orderNumber') payload->>'orderNumber' AS n, payload->>'orderStatus' AS status
     FROM bronze.raw_event ORDER BY payload->>'orderNumber', received_at DESC`,
  ]) {
    const rows = await merchant.rows<{ n: string; status: string }>(query);
    assert.deepEqual(new Map(rows.map(({ n, status }) => [n, status])).size, said.size);
    for (const { n, status } of rows) assert.equal(status, said.get(n), n);
  }
}

const CRASHES = [
  [INGEST, 'after_landing', 10],
  [INGEST, 'after_write', 9],
  [INGEST, 'after_commit', 7],
  [BRONZE, 'after_write', 0],
  [BRONZE, 'after_commit', 0],
  [BRONZE, 'before_cleanup', 0],
] as const;

test('killed at every boundary, it leaves all of a part or none, and the next run ends the same', async () => {
  for (const [which, at, passed] of CRASHES) {
    await merchant.rows('TRUNCATE bronze.raw_landing_c2c, bronze.raw_event_c2c, ops.watermark, public.c2c_order');
    const folder = await mkdtemp(join(tmpdir(), 'tickgraph-crash-'));
    if (which === BRONZE) assert.equal(await step(folder, [INGEST]), 0);
    const crash = { CRASH_AT: at, CRASH_AFTER: String(passed) };
    assert.equal(await step(folder, [which], crash), 'SIGKILL', `${which} ${at}`);
    const torn = await merchant.rows(`SELECT 1 FROM bronze.raw_landing l WHERE jsonb_array_length(payload->'data') <>
      (SELECT count(*) FROM bronze.raw_event e WHERE e.call_id = l.call_id)`);
    assert.deepEqual(torn, [], 'an answer and its orders are there together');
    assert.equal(await step(folder, [INGEST, BRONZE]), 0);
    await agrees();
    const left = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.gz'));
    assert.deepEqual(left, []);
    await rm(folder, { recursive: true, force: true });
  }
});
