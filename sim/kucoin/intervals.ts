/** KuCoin's names of candle lengths. */
import type { KlineInterval } from '../market/intervals.ts';

export const CANDLE_TYPES: Readonly<Record<string, KlineInterval>> = {
  '1min': '1m',
  '3min': '3m',
  '5min': '5m',
  '15min': '15m',
  '30min': '30m',
  '1hour': '1h',
  '2hour': '2h',
  '4hour': '4h',
  '6hour': '6h',
  '8hour': '8h',
  '12hour': '12h',
  '1day': '1d',
  '1week': '1w',
};
