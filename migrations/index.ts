import { Foundation1735689600001 } from './0001-foundation.ts';
import { MarketStatistics1735689600002 } from './0002-market-statistics.ts';
import { DataQuality1735689600003 } from './0003-data-quality.ts';
import { Arbitrage1735689600004 } from './0004-arbitrage.ts';
import { C2c1735689600005 } from './0005-c2c.ts';
import { Cdc1735689600006 } from './0006-cdc.ts';
import { Pipelines1735689600007 } from './0007-pipelines.ts';

/** Every migration, in order. */
export const MIGRATIONS = [
  Foundation1735689600001,
  MarketStatistics1735689600002,
  DataQuality1735689600003,
  Arbitrage1735689600004,
  C2c1735689600005,
  Cdc1735689600006,
  Pipelines1735689600007,
];
