/** Every exchange that can be followed. A new one is one file and one line here. */
import type { Exchange } from '../../schema/market.ts';
import { binance } from './binance.ts';
import { bithumb } from './bithumb.ts';
import type { Connector } from './connector.ts';
import { kucoin } from './kucoin.ts';
import { upbit } from './upbit.ts';

export const CONNECTORS: Readonly<Record<Exchange, Connector>> = {
  BINANCE: binance,
  UPBIT: upbit,
  BITHUMB: bithumb,
  KUCOIN: kucoin,
};
