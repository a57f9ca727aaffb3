import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import { createTradeAudit, type TradeAudit } from '../../../ingestion/feed/trade-audit.ts';
import { createMarketWatch } from '../../../ingestion/feed/watch.ts';
import type { KlineEvent, TradeEvent } from '../../../schema/market.ts';

const MINUTE = 60_000;
/** An hour's beginning. */
const START = 1_767_225_600_000;
const market = { exchange: 'UPBIT', symbol: 'BTC-KRW', receivedAt: START } as const;

function trade(audit: TradeAudit, seconds: number, quantity: string): void {
  const eventTime = START + seconds * 1_000;
  audit.trade({ ...market, eventTime, tradeId: '1', price: '1', quantity, side: 'BUY' } satisfies TradeEvent);
}

function candle(audit: TradeAudit, minute: number, volume: string, isClosed = true): void {
  const openTime = START + minute * MINUTE;
  const kline: KlineEvent = {
    ...{ ...market, interval: 'M1', openTime, open: '1', high: '1', low: '1', close: '1', volume, isClosed },
    ...{ quoteVolume: volume, tradeCount: null, coverage: 1, eventTime: openTime + MINUTE - 1 },
  };
  audit.candle(kline);
}

const at = (minute: number, seconds: number): number => START + minute * MINUTE + seconds * 1_000;

test('a minute whose trades do not add up to its volume is found once, when it has settled', () => {
  const audit = createTradeAudit();
  trade(audit, 30, '1');
  trade(audit, 70, '0.1');
  trade(audit, 80, '0.2');
  candle(audit, 0, '5');
  candle(audit, 1, '0.4');
  assert.deepEqual(audit.incomplete(at(2, 11)), []);
  // the first minute was not seen from its beginning
  assert.deepEqual(audit.incomplete(at(2, 12)), [at(1, 0)]);
  assert.deepEqual(audit.incomplete(at(3, 0)), []);
});

test('the trade that a subscription begins with is old: the minute it began in was not seen whole', () => {
  const audit = createTradeAudit();
  const old = { ...market, eventTime: at(0, 30), tradeId: '1', price: '1', quantity: '1', side: 'BUY' } as const;
  audit.trade(old, at(2, 40));
  trade(audit, 170, '1');
  candle(audit, 2, '5');
  candle(audit, 3, '5');
  assert.deepEqual(audit.incomplete(at(5, 0)), [at(3, 0)]);
});

test('what is complete, still open, or off by how an exchange adds up, is not a loss', () => {
  const audit = createTradeAudit();
  trade(audit, 30, '1');
  trade(audit, 70, '0.1');
  trade(audit, 80, '0.2');
  candle(audit, 1, '0.30000000000000004');
  trade(audit, 130, '7');
  candle(audit, 2, '9', false);
  assert.deepEqual(audit.incomplete(at(4, 0)), []);
});

test('a correction is judged anew, and so is what an interruption hid', () => {
  const audit = createTradeAudit();
  trade(audit, 30, '1');
  trade(audit, 70, '1');
  candle(audit, 1, '1');
  assert.deepEqual(audit.incomplete(at(2, 20)), []);
  candle(audit, 1, '1.5');
  assert.deepEqual(audit.incomplete(at(2, 21)), [at(1, 0)]);
  audit.restart();
  trade(audit, 190, '1');
  candle(audit, 3, '2');
  trade(audit, 250, '1');
  candle(audit, 4, '2');
  assert.deepEqual(audit.incomplete(at(5, 20)), [at(4, 0)]);
});

test('a connection that brings nothing does not end a silence', () => {
  const watch = createMarketWatch(upbit.channels, 1_000);
  watch.connected(0);
  for (const channel of ['orderbook', 'ticker', 'trade'] as const) watch.heard(channel, 100, false);
  watch.disconnected();
  assert.ok(watch.isStale('trade', 200));
  watch.connected(300);
  for (const channel of ['orderbook', 'ticker', 'trade', 'kline'] as const) assert.ok(watch.isStale(channel, 400));
  watch.heard('ticker', 500, false);
  // a book comes with every subscription, a trade when there is one
  assert.deepEqual(
    (['orderbook', 'ticker', 'trade', 'kline'] as const).map((channel) => watch.isStale(channel, 500)),
    [true, false, false, false],
  );
});
