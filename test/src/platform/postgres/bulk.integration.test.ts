import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { isNewerVersion } from '../../../../ingestion/klines/candle.ts';
import { KLINE_1M, TICKER_24H, TRADE } from '../../../../ingestion/workers/silver.ts';
import { MIGRATIONS } from '../../../../migrations/index.ts';
import type { KlineEvent } from '../../../../schema/market.ts';
import { writeRows } from '../../../../src/platform/postgres/bulk.ts';
import type { Postgres } from '../../../../src/platform/postgres/postgres.ts';
import { MINUTE, minute, START, ticker, trade } from '../../../ingestion/workers/market-events.ts';
import { openTestDatabase } from '../../../support/postgres.ts';

describe('bulk upserts into the silver tables', () => {
  let postgres: Postgres;
  let stop: () => Promise<void>;
  before(async () => {
    ({ postgres, stop } = await openTestDatabase(MIGRATIONS));
  });
  after(() => stop());

  test('any order, batching and repetition of the versions of candles leaves the same rows', async () => {
    const version = fc.record({ at: fc.nat(3), isClosed: fc.boolean(), close: fc.integer({ min: 90, max: 110 }) });
    const arrivals = fc.array(version, { minLength: 1, maxLength: 12 }).chain((list) => {
      const klines = list.map(({ at, isClosed, close }, i) => {
        const openTime = START + at * MINUTE;
        return minute(openTime, { isClosed, close: String(close), eventTime: openTime + i });
      });
      const twice = [...klines, ...klines];
      return fc.tuple(
        fc.constant(klines),
        fc.shuffledSubarray(twice, { minLength: twice.length }),
        fc.integer({ min: 1, max: 6 }),
      );
    });
    await fc.assert(
      fc.asyncProperty(arrivals, async ([klines, order, size]) => {
        await postgres.query('DELETE FROM silver.kline_1m');
        for (let i = 0; i < order.length; i += size) await writeRows(postgres, KLINE_1M, order.slice(i, i + size));
        const best = new Map<number, KlineEvent>();
        for (const k of klines) {
          const known = best.get(k.openTime);
          if (!known || isNewerVersion(k, known)) best.set(k.openTime, k);
        }
        const rows = await postgres.query<{ openTime: Date; close: string; isClosed: boolean; eventTime: Date }>(
          `SELECT open_time AS "openTime", close, is_closed AS "isClosed", event_time AS "eventTime"
           FROM silver.kline_1m ORDER BY open_time`,
        );
        assert.deepEqual(
          rows.map((r) => [r.openTime.getTime(), r.close, r.isClosed, r.eventTime.getTime()]),
          [...best.values()]
            .sort((a, b) => a.openTime - b.openTime)
            .map((k) => [k.openTime, k.close, k.isClosed, k.eventTime]),
        );
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  test('trades and tickers once each; numbers to the last digit, text as it is', async () => {
    const odd = trade(`"quoted", {braces}\\ and 'NULL'`, START, { price: '12345678901234567890.123456789012345678' });
    const all = [trade('1', START), trade('1', START), trade('NULL', START), odd];
    assert.equal(await writeRows(postgres, TRADE, all), 3);
    assert.equal(await writeRows(postgres, TRADE, all), 0);
    const rows = await postgres.query<{ id: string; price: string }>(
      'SELECT trade_id AS id, price FROM silver.trade WHERE price > 1000',
    );
    assert.deepEqual(rows, [{ id: odd.tradeId, price: odd.price }]);
    assert.equal(await writeRows(postgres, TICKER_24H, [ticker(START), ticker(START), ticker(START + 1)]), 2);
  });

  test('a batch of thousands is one statement', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => trade(`many-${i}`, START + i));
    assert.equal(await writeRows(postgres, TRADE, many), 20_000);
  });
});
