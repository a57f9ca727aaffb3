/** Every exchange that can be followed. A new one is one file and one line here. */
import type { Exchange } from '../../schema/market.ts';
import { binance } from './binance.ts';
import type { Connector } from './connector.ts';

export const CONNECTORS: Readonly<Partial<Record<Exchange, Connector>>> = {
  BINANCE: binance,
};
