import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { latestRanking, rankedRows } from '../../resolvers/ranking-store.ts';
import { rankingStreamId } from '../../schema/channels.ts';
import { rankingKey } from '../../schema/live/keys.ts';
import type { Exchange } from '../../schema/market.ts';
import type { RankingEvent, RankingMetric, RankingRow } from '../../schema/ranking.ts';
import { LiveStoreUnavailable } from '../../src/platform/live/store.ts';
import * as operations from '../generated/graphql.ts';
import { append, iso, storeMarkets, T0, ticker, tickerAppend } from './samples.ts';
import { openWorld, type World } from './world.ts';

const row = (exchange: Exchange, symbol: string, value: string): RankingRow => [
  ...([exchange, symbol, value, '7.50', Number(value), '1000', null] as const),
  T0,
];
const ROWS = [
  row('BINANCE', 'A-USDT', '9'),
  row('UPBIT', 'B-KRW', '5.5'),
  row('BINANCE', 'C-USDT', '2'),
  row('BITHUMB', 'A-KRW', '2.0'),
  row('UPBIT', 'A-KRW', '2'),
  row('KUCOIN', 'D-USDT', '-1'),
  row('KUCOIN', 'E-USDT', '-3'),
];
const event = (rows: RankingRow[], computedAt = T0, metric: RankingMetric = 'CHANGE_PERCENT'): RankingEvent => ({
  ...{ metric, computedAt, eventTime: T0, leftOut: 0, rows },
});
const rankingAppend = (ranking: RankingEvent) =>
  append('ranking', rankingStreamId(ranking), ranking, { key: rankingKey(ranking.metric) });

const ALL = { by: 'CHANGE_PERCENT', direction: 'DESC', first: 20 } as const;

describe('the rows asked for', () => {
  const names = (question: Partial<Parameters<typeof rankedRows>[1]>): string[] =>
    rankedRows(ROWS, { direction: 'DESC', exchange: null, quote: null, first: 20, ...question }).map(
      ([exchange, symbol]) => `${exchange} ${symbol}`,
    );

  test('are in order; upwards, equal values stay in order of exchange and symbol', () => {
    assert.deepEqual(names({ first: 2 }), ['BINANCE A-USDT', 'UPBIT B-KRW']);
    assert.deepEqual(names({ direction: 'ASC', first: 4 }), [
      'KUCOIN E-USDT',
      'KUCOIN D-USDT',
      'BINANCE C-USDT',
      'BITHUMB A-KRW',
    ]);
    assert.equal(names({ direction: 'ASC' }).length, ROWS.length);
  });

  test('are those of the exchange and the quote', () => {
    assert.deepEqual(names({ exchange: 'UPBIT' }), ['UPBIT B-KRW', 'UPBIT A-KRW']);
    assert.deepEqual(names({ quote: 'KRW', direction: 'ASC' }), ['BITHUMB A-KRW', 'UPBIT A-KRW', 'UPBIT B-KRW']);
    assert.deepEqual(names({ exchange: 'UPBIT', quote: 'USDT' }), []);
    assert.deepEqual(names({ quote: 'RW' }), []);
  });
});

describe('rankings', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
    await storeMarkets(
      world.postgres,
      ROWS.map(([exchange, symbol]) => ({ exchange, symbol })),
    );
  });
  after(() => world.stop());

  test('are empty before the first', async () => {
    assert.deepEqual((await world.data(operations.RankingDocument, { ...ALL, by: 'MARKET_CAP' })).ranking, []);
    assert.equal(await latestRanking(world.live, 'MARKET_CAP'), null);
  });

  test('are read whole, with their markets and what hangs on them, in one call of each store', async () => {
    await world.live.append([
      rankingAppend(event(ROWS)),
      tickerAppend(ticker(T0, { exchange: 'KUCOIN', symbol: 'E-USDT', last: '42' })),
    ]);
    world.calls.length = 0;
    const { ranking } = await world.data(operations.RankingDocument, { ...ALL, direction: 'ASC', first: 2 });
    assert.deepEqual(ranking[0], {
      rank: 1,
      market: { id: 'kucoin:E-USDT', status: 'TRADING', ticker: { last: '42' } },
      ...{ value: '-3', price: '7.5', changePercent: -3, quoteVolume: '1000', marketCap: null, time: iso(T0) },
    });
    assert.deepEqual(
      ranking.map((entry) => [entry.rank, entry.market.id]),
      [
        [1, 'kucoin:E-USDT'],
        [2, 'kucoin:D-USDT'],
      ],
    );
    const calls = world.calls.filter((call) => call !== 'live.latest');
    assert.deepEqual(calls, ['postgres.query', 'postgres.query'], 'the markets, and the ticker that is not live');
  });

  test('refuse what can not be asked', async () => {
    const refused = async (variables: object) => {
      const { code, argument, max } = await world.refusal(operations.RankingDocument, { ...ALL, ...variables });
      return [code, argument, max];
    };
    assert.deepEqual(await refused({ first: 0 }), ['BAD_USER_INPUT', 'first', 1_000]);
    assert.deepEqual(await refused({ first: 1_001 }), ['BAD_USER_INPUT', 'first', 1_000]);
    assert.deepEqual(await refused({ quote: 'krw' }), ['BAD_USER_INPUT', 'quote', undefined]);
    world.liveFailing.error = new LiveStoreUnavailable('gone');
    assert.equal((await world.refusal(operations.RankingDocument, ALL)).code, 'STORE_UNAVAILABLE');
    world.liveFailing.error = null;
  });

  test('are followed: the one now, then each, per filter and direction, with no hole in their sequence', async () => {
    const losers = await world.follow(operations.RankingUpdatedDocument, { ...ALL, direction: 'ASC', first: 2 });
    const korean = await world.follow(operations.RankingUpdatedDocument, { ...ALL, quote: 'KRW', first: 1 });
    const first = (await losers.next()).rankingUpdated;
    assert.deepEqual(
      [first.start, first.entries.map((e) => e.market.id)],
      ['LIVE', ['kucoin:E-USDT', 'kucoin:D-USDT']],
    );
    assert.deepEqual(first.entries[0]?.market, { id: 'kucoin:E-USDT', nativeSymbol: 'EUSDT', takerFeePercent: '0.1' });
    await korean.next();
    await world.live.append([
      rankingAppend(event([row('KUCOIN', 'E-USDT', '3'), row('UPBIT', 'A-KRW', '2')], T0 + 1)),
      rankingAppend(event([row('UPBIT', 'A-KRW', '2'), row('KUCOIN', 'E-USDT', '1')], T0 + 2)),
    ]);
    const seen = [(await losers.next()).rankingUpdated, (await losers.next()).rankingUpdated];
    assert.deepEqual(
      seen.map((e) => [e.gap, e.entries.map((entry) => `${entry.rank} ${entry.market.id} ${entry.value}`)]),
      [
        [null, ['1 upbit:A-KRW 2', '2 kucoin:E-USDT 3']],
        [null, ['1 kucoin:E-USDT 1', '2 upbit:A-KRW 2']],
      ],
    );
    assert.equal(Number(seen[1]?.sequence), Number(first.sequence) + 2);
    // what looks as before to somebody is an event all the same: its sequence shows that nothing is missing
    const quiet = [(await korean.next()).rankingUpdated, (await korean.next()).rankingUpdated];
    assert.deepEqual(
      quiet.map((e) => e.entries.map((entry) => entry.market.id)),
      [['upbit:A-KRW'], ['upbit:A-KRW']],
    );
    const resumed = await world.follow(operations.RankingUpdatedDocument, {
      ...{ ...ALL, direction: 'ASC', first: 2 },
      after: first.cursor,
    });
    const again = [(await resumed.next()).rankingUpdated, (await resumed.next()).rankingUpdated];
    assert.deepEqual(
      again.map((e) => [e.start, e.gap, e.cursor]),
      [
        ['RESUMED', null, seen[0]?.cursor],
        [null, null, seen[1]?.cursor],
      ],
    );
    for (const one of [losers, korean, resumed]) await one.stop();
  });

  test('are resumed from the store where nobody watched meanwhile', async () => {
    const one = await world.follow(operations.RankingUpdatedDocument, ALL);
    const { cursor } = (await one.next()).rankingUpdated;
    await one.stop();
    await world.live.append([rankingAppend(event(ROWS, T0 + 10)), rankingAppend(event(ROWS.slice(1), T0 + 11))]);
    const back = await world.follow(operations.RankingUpdatedDocument, { ...ALL, after: cursor });
    const seen = [(await back.next()).rankingUpdated, (await back.next()).rankingUpdated];
    assert.deepEqual(
      seen.map((e) => [e.start, e.gap, e.entries.length]),
      [
        ['RESUMED', null, 7],
        [null, null, 6],
      ],
    );
    await back.stop();
  });

  test('say that what another store would have to be asked for is not in an event', async () => {
    const market = 'market { ... { ticker { last } } }';
    for (const text of [
      `subscription { rankingUpdated { entries { ${market} } } }`,
      `subscription { rankingUpdated { ...Named } } fragment Named on RankingEvent { entries { ...Entry } }
       fragment Entry on RankingEntry { rank ${market} }`,
    ]) {
      const refusal = await world.follow(text as never, {} as never).then(
        () => null,
        (error: { extensions: object }) => error.extensions,
      );
      assert.deepEqual(refusal, { code: 'NOT_SUPPORTED', argument: 'entries.market.ticker' });
    }
    const over = world.follow(operations.RankingUpdatedDocument, { ...ALL, first: 101 });
    await assert.rejects(over, (error: { extensions: { max?: number } }) => error.extensions.max === 100);
  });

  test('of a market that was not known yet show it as soon as it is', async () => {
    const one = await world.follow(operations.RankingUpdatedDocument, ALL);
    await one.next();
    await world.live.append([rankingAppend(event([row('BINANCE', 'NEW-USDT', '1'), ...ROWS.slice(0, 1)], T0 + 20))]);
    const { entries } = (await one.next()).rankingUpdated;
    assert.deepEqual(
      entries.map((e) => [e.rank, e.market.id]),
      [[1, 'binance:A-USDT']],
    );
    await one.stop();
  });
});
