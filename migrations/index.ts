import { Foundation1735689600001 } from './0001-foundation.ts';
import { MarketStatistics1735689600002 } from './0002-market-statistics.ts';
import { DataQuality1735689600003 } from './0003-data-quality.ts';
import { Arbitrage1735689600004 } from './0004-arbitrage.ts';

/** Every migration, in order. */
export const MIGRATIONS = [
  Foundation1735689600001,
  MarketStatistics1735689600002,
  DataQuality1735689600003,
  Arbitrage1735689600004,
];
