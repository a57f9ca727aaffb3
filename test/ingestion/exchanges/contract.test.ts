/** The contract suite over every connector there is. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import { bithumb } from '../../../ingestion/exchanges/bithumb.ts';
import type { Connector } from '../../../ingestion/exchanges/connector.ts';
import { CONNECTORS } from '../../../ingestion/exchanges/index.ts';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import type { MarketInfo } from '../../../schema/market.ts';
import { type ContractCase, connectorContract } from './connector.contract.ts';

/** Parsers that a connector has for certain. */
function historyOf({ klineHistory, tradeHistory }: Connector) {
  assert.ok(klineHistory);
  return { klines: klineHistory.parse, trades: tradeHistory?.parse ?? (() => assert.fail()) };
}
const quoteFirst =
  (connector: Connector) =>
  (native: string): MarketInfo | undefined => {
    const [quote, base, rest] = native.split('-');
    return /^[A-Z0-9]+-[A-Z0-9]+$/.test(native) && rest === undefined
      ? connector.assume(`${base}-${quote}`)
      : undefined;
  };
const BINANCE_QUOTES = /^([A-Z0-9]+?)(USDT|USDC|BTC|ETH|BNB|BUSD|TRY|EUR)$/;

const CASES: ContractCase[] = [
  {
    connector: binance,
    prefix: 'binance.ws.',
    follows: (native) => {
      const [, base, quote] = BINANCE_QUOTES.exec(native) ?? [];
      return base && quote ? binance.assume(`${base}-${quote}`) : undefined;
    },
    streams: {
      'aggTrade.20210404': null,
      'aggTrade.20211011': null,
      // no event type in the payload
      'bookTicker.20211011': /^e: no event type$/,
      'depth_100ms.20210404': null,
      'depth_100ms.20211011': null,
      'kline_1m.20210404': null,
      'kline_1m.20211011': null,
      'mixed_fixture.tardis': /^(e: no event type|event type (trade|markPriceUpdate) is not followed|unknown symbol)/,
    },
    bodies: [
      { capture: 'binance.rest.klines.gct', line: 0, parse: historyOf(binance).klines, rows: 24 },
      { capture: 'binance.rest.exchangeInfo_trimmed.20211011', line: 0, parse: binance.markets.parse, rows: 7 },
    ],
    mutated: {
      'aggTrade.20210404': 300,
      'depth_100ms.20210404': 300,
      'kline_1m.20210404': 100,
      'mixed_fixture.tardis': 10,
    },
  },
  {
    connector: upbit,
    prefix: 'upbit.ws.',
    follows: quoteFirst(upbit),
    streams: {
      'candle.maxt': /^type candle\.5m is not followed$/,
      // what a client sent
      'client_sent_SIMPLE.20210405': /^frame: not an object$/,
      'control_and_errors.nemanull': null,
      'mixed_fixture.tardis': null,
      'orderbook_DEFAULT.nemanull': null,
      'orderbook_SIMPLE.20210405': null,
      'trade_DEFAULT.maxt': null,
      'trade_SIMPLE.20210405': null,
    },
    bodies: [
      {
        capture: 'upbit.rest.candles_minutes_1.smtm_20200220_202000',
        line: 0,
        parse: historyOf(upbit).klines,
        rows: 200,
      },
      { capture: 'upbit.rest.get_candles_minutes.upbeat', line: 0, parse: historyOf(upbit).klines, rows: 1 },
      { capture: 'upbit.rest.get_trades.upbeat', line: 0, parse: historyOf(upbit).trades, rows: 1 },
      { capture: 'upbit.rest.trades_ticks.maxt', line: 0, parse: historyOf(upbit).trades, rows: 2 },
      { capture: 'upbit.rest.trades_ticks.maxt', line: 1, parse: historyOf(upbit).trades, rows: 1 },
    ],
    mutated: {
      'trade_SIMPLE.20210405': 300,
      'orderbook_SIMPLE.20210405': 200,
      'candle.maxt': 7,
      'trade_DEFAULT.maxt': 1,
      'orderbook_DEFAULT.nemanull': 1,
      'control_and_errors.nemanull': 4,
    },
  },
  {
    connector: bithumb,
    prefix: 'bithumb_v2.ws.',
    follows: quoteFirst(bithumb),
    streams: {
      'control_and_errors.nemanull': null,
      // its recorder cut the last keys off
      'orderbook_SIMPLE.nemanull': /^timestamp: not a count \(nothing\)$/,
      // its recorder left fields of the ticker out
      'orderbook_ticker_trade.nemanull': /^signed_change_rate: not a decimal as text \(nothing\)$/,
    },
    bodies: [
      {
        capture: 'bithumb_v2.rest.ticker_trades_orderbook_minutes.maxt',
        line: 3,
        parse: historyOf(bithumb).klines,
        rows: 1,
      },
    ],
    mutated: { 'orderbook_ticker_trade.nemanull': 5, 'control_and_errors.nemanull': 4 },
  },
  {
    connector: kucoin,
    prefix: 'kucoin.ws.',
    follows: (native) => (/^[A-Z0-9]+-[A-Z0-9]+$/.test(native) ? kucoin.assume(native) : undefined),
    streams: {
      // what a client sent
      'client_sent.20210425': /^type subscribe is not followed$/,
      'control.20210425': null,
      'docs_examples.sdk': /^(subject|topic) \S+ is not followed$/,
      'market_candles.20210425': null,
      'market_level2.20210425': null,
      'market_match.20210425': null,
      'market_ticker.20210425': /^subject trade\.ticker is not followed$/,
      // one is a document's example without its numbers, two have ids of another frame, one a range the wrong way round
      'mixed_fixture.gct': /^((subject|topic) \S+ is not followed|open: not a decimal as text \(nothing\))$/,
      'mixed_fixture.tardis':
        /^((subject|topic) \S+ is not followed|asks sequence: not of this frame|sequenceStart: no range of changes)$/,
    },
    bodies: [{ capture: 'kucoin.rest.symbols_trimmed.20210425', line: 0, parse: kucoin.markets.parse, rows: 7 }],
    mutated: {
      'market_level2.20210425': 300,
      'market_match.20210425': 6,
      'market_candles.20210425': 3,
      'docs_examples.sdk': 12,
    },
  },
];

test('every connector is held to the contract', () => {
  assert.deepEqual(new Set(CASES.map(({ connector }) => connector.exchange)), new Set(Object.keys(CONNECTORS)));
});

for (const one of CASES) connectorContract(one);
