/** Minutes that come hours or days late: every longer candle they are part of is made anew, across midnight and the month. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { KlineEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { openTestDatabase } from '../../support/postgres.ts';
import { MINUTE, minute, START } from './market-events.ts';
import { GOLD, GOLD_FROM_SILVER } from './plain-figures.ts';
import { drained, memoryPlatform, produce, seeded } from './worker-platform.ts';

const HOUR = 60 * MINUTE;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
});
after(() => database.stop());

const random = seeded(11);
const price = (): string => (90 + random() * 20).toFixed(2);
function minuteAt(openTime: number, fields: Partial<KlineEvent> = {}): KlineEvent {
  const prices = [price(), price(), price(), price()].sort((a, b) => Number(a) - Number(b));
  const [low, open, close, high] = prices as [string, string, string, string];
  return minute(openTime, { low, open, close, high, volume: price(), quoteVolume: price(), ...fields });
}

test('candles of gold equal those made from scratch of silver, whenever a minute comes', {
  timeout: 90_000,
}, async () => {
  const { postgres } = database;
  const platform = await memoryPlatform(postgres);
  const start = () => startWorkers(platform, { only: ['silver', 'klines'], onFatal: assert.fail });
  let running = await start();
  const say = async (minutes: readonly KlineEvent[]): Promise<void> => {
    await produce(platform.broker, TOPICS.kline1m, minutes);
    for (const group of ['silver', 'klines']) await drained(platform.broker, group, [TOPICS.kline1m.name]);
  };
  const differing = () =>
    postgres.query(
      `(SELECT 'missing', * FROM ((${GOLD_FROM_SILVER}) EXCEPT (${GOLD})) a)
       UNION ALL (SELECT 'wrong', * FROM ((${GOLD}) EXCEPT (${GOLD_FROM_SILVER})) b)`,
    );
  try {
    // from the evening of the last of February to the morning of the second of March
    const all = Array.from({ length: 36 * 60 }, (_, i) => START - 4 * HOUR + i * MINUTE);
    const isLate = (openTime: number): boolean => (openTime / MINUTE) % 9 === 0;
    const live = all.filter((openTime) => !isLate(openTime));
    for (let i = 0; i < live.length; i += 200) {
      await say(live.slice(i, i + 200).map((openTime) => minuteAt(openTime)));
      if (i === 800) {
        await running.stop();
        running = await start();
      }
    }
    assert.deepEqual(await differing(), []);
    // minutes that were missing and corrections of others, from everywhere at once
    const late = all.filter(isLate).map((openTime) => minuteAt(openTime));
    const corrected = live
      .filter(() => random() < 0.03)
      .map((openTime) => minuteAt(openTime, { eventTime: openTime + MINUTE + 1 }));
    const mixed = [...late, ...corrected].map((k) => ({ k, at: random() })).sort((a, b) => a.at - b.at);
    for (let i = 0; i < mixed.length; i += 40) {
      // what is live goes on in between
      const now = START + 32 * HOUR + i * MINUTE;
      await say([...mixed.slice(i, i + 40).map(({ k }) => k), minuteAt(now)]);
      if (i === 120) {
        await running.stop();
        running = await start();
      }
    }
    assert.deepEqual(await differing(), []);
    const [row] = await postgres.query<{ n: number }>(
      `SELECT count(DISTINCT tableoid)::int AS n FROM gold.kline WHERE interval = 'M1'`,
    );
    assert.equal(row?.n, 2, 'both months have their partition');
  } finally {
    await running.stop();
    await platform.broker.close();
  }
});
