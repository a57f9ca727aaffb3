/** Quiet minutes are closed under the lease of their market: by one process at a time, and by its successor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startIngest } from '../../ingestion/ingest.ts';
import { KLINE_1M } from '../../ingestion/workers/silver.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import type { KlineEvent } from '../../schema/market.ts';
import { readConfig } from '../../src/platform/config.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { writeRows } from '../../src/platform/postgres/bulk.ts';
import { type Postgres, PostgresUnavailable } from '../../src/platform/postgres/postgres.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, RememberingBroker, ScriptedExchange, START } from './feed/scripted.ts';

const MINUTE = 60_000;
const LEASE_MS = 2_000;

test('one process closes them; when it is cut off from its lease another does, and no minute is closed by both', {
  timeout: 60_000,
}, async () => {
  const database = await openTestDatabase(MIGRATIONS);
  const exchange = await new ScriptedExchange().start();
  const running: Running[] = [];

  async function startProcess() {
    const cut = { off: false };
    const log = new RememberingBroker();
    const reach = <T>(work: () => Promise<T>): Promise<T> =>
      cut.off ? Promise.reject(new PostgresUnavailable('cut off')) : work();
    const postgres: Postgres = {
      ...database.postgres,
      query: (text, params) => reach(() => database.postgres.query(text, params)),
    };
    const config = readConfig({
      ...{ MARKETS: 'binance:BTC-USDT', LEASE_MS: String(LEASE_MS), FEED_STALE_MS: '5000', BACKFILL_HOURS: '1' },
    });
    const platform = { config, log: quiet, postgres, broker: log.port, live: {} } as unknown as Platform;
    running.push(
      await startIngest(platform, {
        endpoints: { BINANCE: { ws: `ws://${exchange.url}`, rest: `http://${exchange.url}` } },
        times: { repairMs: 200 },
      }),
    );
    return { cut, log };
  }

  /** The exchange goes on to `n` minutes after START; only its clock is heard. */
  async function passTo(n: number, done: () => boolean): Promise<void> {
    await until(`minute ${n}`, () => {
      exchange.now = Math.max(exchange.now + 1, START + n * MINUTE + 25_000);
      exchange.ticker();
      return done();
    });
  }
  const closed = (log: RememberingBroker): KlineEvent[] => log.klines().filter((k) => k.isClosed);
  const minutesOf = (log: RememberingBroker): number[] =>
    closed(log)
      .map((k) => (k.openTime - START) / MINUTE)
      .filter((n) => n >= 0);

  try {
    const first = await startProcess();
    const second = await startProcess();
    await until('the market to be where it stays', async () => {
      const rows = await database.postgres.query<{ name: string; holder: string }>(
        `SELECT name, holder FROM ops.lease WHERE expires_at > clock_timestamp() ORDER BY name COLLATE "C"`,
      );
      const members = rows.filter(({ name }) => name.startsWith('ingest-member:'));
      const owner = rows.find(({ name }) => name === 'ingest:binance:BTC-USDT')?.holder;
      return members.length === 2 && owner === members[0]?.holder && exchange.open.length === 1;
    });
    // the back-fill begins once the exchange's clock is known
    await passTo(0, () => exchange.requests.some((path) => path.includes('/klines')));
    exchange.kline(0, true);
    await until('the first minute', () => minutesOf(first.log).length + minutesOf(second.log).length > 0);
    const [holder, other] = minutesOf(first.log).length > 0 ? [first, second] : [second, first];
    await passTo(3, () => minutesOf(holder.log).includes(2));
    assert.deepEqual(minutesOf(holder.log), [0, 1, 2]);
    const made = closed(holder.log).filter((k) => k.openTime > START);
    assert.deepEqual(
      made.map((k) => [k.open, k.close, k.volume, k.tradeCount]),
      [
        ['10', '10', '0', 0],
        ['10', '10', '0', 0],
      ],
    );
    assert.deepEqual(minutesOf(other.log), []);

    await writeRows(database.postgres, KLINE_1M, closed(holder.log));
    const told = other.log.status().length;
    holder.cut.off = true;
    const follows = (): boolean =>
      other.log
        .status()
        .slice(told)
        .some((status) => status.connected);
    await until('its successor to follow', follows);
    await passTo(6, () => minutesOf(other.log).includes(5));
    assert.deepEqual(minutesOf(other.log), [3, 4, 5]);
    assert.deepEqual(minutesOf(holder.log), [0, 1, 2], 'without its lease it says nothing');
    const [a, b] = [closed(holder.log), closed(other.log)];
    assert.ok(b.every((k) => k.close === '10' && k.volume === '0'));
    assert.equal(new Set([...a, ...b].map((k) => k.openTime)).size, a.length + b.length);
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    await exchange.stop();
    await database.stop();
  }
});
