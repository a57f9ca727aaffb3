/**
 * Recorded frames of a time span through the same code again, into a database and a log of its own:
 * `npm run replay -- --from 2026-01-01T10:00Z --to 2026-01-01T10:30Z [--speed 10]`. Reads raw_frames of KAFKA_BROKERS.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { replay } from '../ingestion/replay/replay.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import type { MarketInfo } from '../schema/market.ts';
import { openPlatform } from './platform/open.ts';
import { startEmbeddedPostgres } from './platform/postgres/embedded.ts';
import { openPostgres } from './platform/postgres/postgres.ts';
import { runProcess } from './platform/run.ts';

const { values: flags } = parseArgs({
  options: { from: { type: 'string' }, to: { type: 'string' }, speed: { type: 'string', default: '0' } },
});
const [from, to, speed] = [Date.parse(flags.from ?? ''), Date.parse(flags.to ?? ''), Number(flags.speed)];
if (!(from < to && speed >= 0)) {
  process.stderr.write(
    '--from and --to must be times, e.g. 2026-01-01T10:00Z, and --speed a number (0: as fast as it goes)\n',
  );
  process.exit(1);
}

await runProcess(['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL'], async (process) => {
  const { config, log } = process;
  const source = await openPlatform(process, MIGRATIONS);
  const markets = await source.postgres.query<MarketInfo>(
    `SELECT exchange, symbol, native_symbol AS "nativeSymbol", base, quote, status, tick_size::text AS "tickSize",
       lot_size::text AS "lotSize", taker_fee_percent::text AS "takerFeePercent" FROM gold.market ORDER BY 1, 2`,
  );
  const folder = join(config.DATA_DIR, `replay-${Date.now()}`);
  const database = await startEmbeddedPostgres(folder, (line) => log.trace({ line }, 'postgres'));
  const postgres = await openPostgres({
    ...{ url: database.url, pool: config.POSTGRES_POOL, timeoutMs: config.STORE_TIMEOUT_MS, migrations: MIGRATIONS },
  });
  await postgres.migrate();
  const stop = async (): Promise<void> => {
    await postgres.close();
    await database.stop();
    await source.stop();
  };
  const target = { config, log, postgres };
  const done = replay({ source: source.broker, from, to, speed, markets, target });
  done.then((report) => {
    globalThis.process.stdout.write(`${JSON.stringify({ ...report, database: folder }, null, 2)}\n`);
    globalThis.process.kill(globalThis.process.pid, 'SIGTERM');
  }, process.fatal);
  return { stop };
});
