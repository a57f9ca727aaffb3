import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TICKER_EVERY_MS, TickerPartition } from '../../../ingestion/tickers/partition.ts';
import type { KlineEvent, MarketRef } from '../../../schema/market.ts';
import { MINUTE, minute, START, trade } from '../workers/market-events.ts';

/** A partition whose gold has `stored`; `asked` is what it was asked for. */
function partition(stored: readonly KlineEvent[] = []) {
  const asked: (MarketRef & { since: number })[] = [];
  const failing: { error: Error | null } = { error: null };
  const known = new TickerPartition(async (markets) => {
    if (failing.error) throw failing.error;
    asked.push(...markets);
    return stored.filter((k) => markets.some((m) => m.symbol === k.symbol && k.openTime >= m.since));
  });
  return { known, asked, failing };
}

describe('what a partition knows and tells', () => {
  test('however fast trades come, a market is told once a second, and the last of them always', async () => {
    const { known } = partition();
    known.addMinutes([minute(START)]);
    await known.load();
    const told: string[] = [];
    for (let ms = 0; ms < 6_000; ms += 10) {
      if (ms < 4_200) known.addTrades([trade(String(ms + 1), START + ms, { price: String(100 + ms) })]);
      told.push(...known.take(ms, ms).map((t) => t.last));
    }
    assert.equal(told.length, 6_000 / TICKER_EVERY_MS);
    assert.equal(told.at(-1), String(100 + 4_190));
  });

  test('what gold has comes first; a market is not told before', async () => {
    const stored = [minute(START - 10 * MINUTE, { open: '50', volume: '8' }), minute(START - 2_000 * MINUTE)];
    const { known, asked, failing } = partition(stored);
    failing.error = new Error('no database');
    known.addMinutes([minute(START, { volume: '1' })]);
    await assert.rejects(known.load(), /no database/);
    assert.deepEqual(known.take(0, 0), []);
    failing.error = null;
    await known.load();
    const [figures] = known.take(0, 0);
    assert.deepEqual([figures?.open, figures?.volume24h], ['50', '9']);
    await known.load();
    assert.equal(asked.length, 1);
  });

  test('what could not be told is told later, as it is by then', async () => {
    const { known } = partition();
    known.addMinutes([minute(START)]);
    await known.load();
    const lost = known.take(0, 0);
    known.putBack(lost);
    known.addTrades([trade('1', START + MINUTE, { price: '7' })]);
    assert.deepEqual(
      known.take(TICKER_EVERY_MS, 0).map((t) => t.last),
      ['7'],
    );
    assert.deepEqual(known.take(2 * TICKER_EVERY_MS, 0), []);
  });

  test('after a restart the newest trades come from the checkpoint and are told without a new event', async () => {
    const first = partition();
    first.known.addTrades([trade('1', START, { price: '9' }), trade('2', START + 5, { price: '11' })]);
    const second = partition([minute(START)]);
    second.known.addTrades(JSON.parse(JSON.stringify(first.known.newestTrades())));
    await second.known.load();
    assert.deepEqual(
      second.known.take(0, 0).map((t) => t.last),
      ['11'],
    );
  });
});
