import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import { checkFees, withFees } from '../../../ingestion/exchanges/fees.ts';
import { upbit } from '../../../ingestion/exchanges/upbit.ts';
import { ConfigError, readConfig } from '../../../src/platform/config.ts';

const MARKETS = [binance.assume('BTC-USDT'), binance.assume('ETH-USDT'), upbit.assume('BTC-KRW')];
const feesOf = (text: string) => readConfig({ TAKER_FEES: text }).TAKER_FEES;
const percents = (text: string) => withFees(MARKETS, feesOf(text)).map((market) => market.takerFeePercent);

test('without a setting the fees are the exchanges’ own', () => {
  assert.deepEqual(percents(''), ['0.1', '0.1', '0.05']);
});

test('a fee given for an exchange holds for its markets, one given for a market goes before it', () => {
  assert.deepEqual(percents('binance:*=0.00075'), ['0.075', '0.075', '0.05']);
  assert.deepEqual(percents('binance:ETH-USDT=0, binance:*=0.00075,upbit:BTC-KRW=0.0004'), ['0.075', '0', '0.04']);
});

test('what is no fee is refused at start by its name, also a percentage where a fraction is meant', () => {
  for (const wrong of [
    'binance:*',
    'binance:*=',
    'binance:*=0.1',
    'binance:*=-0.001',
    'binance:*=1e-3',
    'kraken:*=0.001',
  ]) {
    assert.throws(
      () => feesOf(wrong),
      (error: Error) => error instanceof ConfigError && error.message.includes(wrong.split('=')[0] as string),
    );
  }
});

test('a fee of a market that is not followed, or given twice, is refused', () => {
  const fees = feesOf('binance:BTC-USDC=0.001,binance:*=0.001,binance:*=0.002,kucoin:*=0.001');
  assert.throws(() => checkFees(fees, MARKETS), {
    problems: [
      'TAKER_FEES: binance:BTC-USDC is not among the MARKETS that are followed',
      'TAKER_FEES: binance:* is given twice',
      'TAKER_FEES: kucoin:* is not among the MARKETS that are followed',
    ],
  });
  checkFees(feesOf('binance:*=0.001,upbit:BTC-KRW=0.001'), MARKETS);
});
