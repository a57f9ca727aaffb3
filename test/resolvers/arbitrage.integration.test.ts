import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addSamples } from '../../ingestion/gold/arbitrage.ts';
import { type ArbitrageEvent, arbitrageId } from '../../schema/arbitrage.ts';
import { ARBITRAGE_STREAM } from '../../schema/channels.ts';
import { arbitrageKey } from '../../schema/live/keys.ts';
import { ensurePartitions } from '../../src/platform/postgres/partitions.ts';
import * as operations from '../generated/graphql.ts';
import { append, iso, MINUTE, storeMarkets, T0 } from './samples.ts';
import { openWorld, type World } from './world.ts';

function spread(netPercent: string, given: Partial<ArbitrageEvent> = {}): ArbitrageEvent {
  const leg = (exchange: 'BINANCE' | 'KUCOIN', price: string) => ({
    ...{ exchange, symbol: `${given.base ?? 'BTC'}-USDT`, price, bookSequence: '7', takerFeePercent: '0.1', ageMs: 20 },
    levels: [[price, '10']] as [string, string][],
  });
  return {
    base: 'BTC',
    buy: leg('BINANCE', '100'),
    sell: leg('KUCOIN', '101'),
    notional: '1000',
    quantity: '10',
    grossPercent: '1',
    feePercent: '0.2',
    netPercent,
    netProfit: '8',
    fxRate: null,
    fxExchange: null,
    coinPremiumPercent: null,
    usdtPremiumPercent: null,
    notExecutable: [],
    previous: null,
    eventTime: Date.now(),
    changed: true,
    sampled: false,
    ...given,
  };
}

let count = 0;
const said = (event: ArbitrageEvent) => {
  count += 1;
  const one = append('arbitrage', ARBITRAGE_STREAM, { ...event, eventTime: event.eventTime + count });
  const write = { key: arbitrageKey(event.base), field: arbitrageId(event), value: JSON.stringify(event) };
  return { ...one, writes: [{ kind: 'field' as const, ...write }] };
};

const ALL = { executableOnly: false, first: 50 } as const;

describe('spreads', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
    await storeMarkets(world.postgres, [
      { exchange: 'BINANCE', symbol: 'BTC-USDT' },
      { exchange: 'BINANCE', symbol: 'ETH-USDT' },
    ]);
  });
  after(() => world.stop());

  const spreads = async (variables: object = {}) =>
    (await world.data(operations.ArbitrageSpreadsDocument, { ...ALL, ...variables })).arbitrageSpreads;

  test('the newest, greatest net first, by every filter', async () => {
    await world.live.append([
      said(spread('0.5')),
      said(spread('0.25', { notional: '10000', notExecutable: ['THIN_BOOK'] })),
      said(spread('2', { base: 'ETH' })),
      said(spread('0.75')),
    ]);
    const nets = (found: { netPercent: string }[]) => found.map((s) => s.netPercent);
    assert.deepEqual(nets(await spreads()), ['2', '0.75', '0.25']);
    assert.deepEqual(nets(await spreads({ base: 'BTC' })), ['0.75', '0.25']);
    assert.deepEqual(nets(await spreads({ notional: '10000.0' })), ['0.25']);
    assert.deepEqual(nets(await spreads({ minNetPercent: '0.75' })), ['2', '0.75']);
    assert.deepEqual(nets(await spreads({ base: 'BTC', executableOnly: true })), ['0.75']);
    assert.deepEqual(nets(await spreads({ first: 1 })), ['2']);
    const [one] = await spreads({ base: 'BTC' });
    assert.equal(one?.id, 'BTC:binance:BTC-USDT>kucoin:BTC-USDT:1000');
    assert.deepEqual(one?.buy.levels, [{ price: '100', quantity: '10' }]);
    assert.ok((one?.buy.ageMs ?? 0) >= 20);
  });

  test('one that nobody works out any more is stale', async () => {
    await world.live.append([said(spread('3', { base: 'ETH', eventTime: Date.now() - 60_000 }))]);
    const [left] = await spreads({ base: 'ETH' });
    assert.deepEqual([left?.executable, left?.notExecutable], [false, ['STALE_LEG']]);
    assert.ok((left?.buy.ageMs ?? 0) >= 60_000);
    assert.deepEqual(await spreads({ base: 'ETH', executableOnly: true }), []);
  });

  test('are refused where the question is wrong', async () => {
    const refused = async (document: typeof operations.ArbitrageSpreadsDocument, variables: object) =>
      (await world.refusal(document, { ...ALL, ...variables })).argument;
    assert.equal(await refused(operations.ArbitrageSpreadsDocument, { base: 'btc' }), 'base');
    assert.equal(await refused(operations.ArbitrageSpreadsDocument, { first: 1_001 }), 'first');
    const history = { base: 'BTC', interval: 'M1', first: 10 } as const;
    const same = { ...history, buy: 'UPBIT', sell: 'UPBIT' } as const;
    assert.equal((await world.refusal(operations.ArbitrageHistoryDocument, same)).argument, 'sell');
  });

  test('are followed by filter; one that stops matching is told once', async () => {
    const good = await world.follow(operations.ArbitrageSpreadUpdatedDocument, {
      ...{ base: 'BTC', notional: '1000', minNetPercent: '1', executableOnly: true },
    });
    const every = await world.follow(operations.ArbitrageSpreadUpdatedDocument, { executableOnly: false });
    const previous = (netPercent: string, ...notExecutable: ArbitrageEvent['notExecutable']) => ({
      previous: { netPercent, notExecutable },
    });
    await world.live.append([
      said(spread('0.5', previous('0.4'))),
      said(spread('1.5', previous('0.5'))),
      said(spread('1.5', { ...previous('1.5'), base: 'ETH' })),
      said(spread('1.5', { ...previous('1.5'), notional: '10000' })),
      said(spread('1.2', { ...previous('1.5'), notExecutable: ['STALE_LEG'] })),
      said(spread('1.1', { ...previous('1.2', 'STALE_LEG'), notExecutable: ['STALE_LEG'] })),
      said(spread('1', previous('1.1', 'STALE_LEG'))),
      said(spread('0.9', previous('1'))),
      said(spread('0.8', previous('0.9'))),
    ]);
    const heard = async (from: typeof good, n: number) => {
      const events = [];
      for (let i = 0; i < n; i++) events.push((await from.next()).arbitrageSpreadUpdated);
      return events;
    };
    const mine = await heard(good, 4);
    assert.deepEqual(
      mine.map((e) => [e.matches, e.spread.netPercent, e.spread.executable]),
      [
        [true, '1.5', true],
        [false, '1.2', false],
        [true, '1', true],
        [false, '0.9', true],
      ],
    );
    assert.ok(mine.every((e) => e.gap === null));
    const all = await heard(every, 9);
    assert.ok(all.every((e) => e.matches));
    // one stream: what a filter leaves out shows in the sequence, and is not missing
    assert.deepEqual(
      all.map((e) => Number(e.sequence) - Number(all[0]?.sequence)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    const resumed = await world.follow(operations.ArbitrageSpreadUpdatedDocument, {
      ...{ base: 'BTC', notional: '1000', minNetPercent: '1', executableOnly: true, after: mine[0]?.cursor },
    });
    assert.deepEqual(
      (await heard(resumed, 3)).map((e) => [e.start, e.gap, e.matches, e.spread.netPercent]),
      [
        ['RESUMED', null, false, '1.2'],
        [null, null, true, '1'],
        [null, null, false, '0.9'],
      ],
    );
    for (const one of [good, every, resumed]) await one.stop();
  });

  test('in history, rolled up over any interval', async () => {
    const { postgres } = world;
    const hour = T0 - (T0 % 3_600_000);
    const samples = [
      [0, '1'],
      [1_000, '3'],
      [MINUTE, '5'],
      [3_600_000, '-1'],
    ].map(([after, net]) => spread(String(net), { eventTime: hour + Number(after), sampled: true }));
    await ensurePartitions(postgres, 'gold.arbitrage_average', 'month', [hour]);
    await addSamples(postgres, samples);
    await addSamples(postgres, samples);
    const history = async (variables: object) =>
      (
        await world.data(operations.ArbitrageHistoryDocument, { base: 'BTC', interval: 'M1', first: 10, ...variables })
      ).arbitrageHistory.map((b) => [
        b.openTime,
        b.averageNetPercent,
        b.minNetPercent,
        b.maxNetPercent,
        b.stddevNetPercent,
        b.samples,
      ]);
    assert.deepEqual(await history({}), [
      [iso(hour + 3_600_000), '-1', '-1', '-1', '0', 1],
      [iso(hour + MINUTE), '5', '5', '5', '0', 1],
      [iso(hour), '2', '1', '3', '1', 2],
    ]);
    assert.deepEqual(await history({ interval: 'H1', to: iso(hour + 3_600_000) }), [
      [iso(hour), '3', '1', '5', '1.63299316', 3],
    ]);
    assert.deepEqual(await history({ buy: 'UPBIT' }), []);
    assert.deepEqual(await history({ notional: '10000' }), []);
    assert.equal((await history({ first: 1 })).length, 1);
  });
});
