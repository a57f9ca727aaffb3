/** A merchant's own orders, from the signed API to the figures of gold. */
import { landingToBronze } from '../bronze/landing.ts';
import { ingestC2cOrders } from '../c2c/ingest.ts';
import { goldC2cDailyVolume } from '../gold/c2c-daily-volume.ts';
import { goldC2cSummary } from '../gold/c2c-summary.ts';
import { silverC2cOrders } from '../silver/c2c-order.ts';
import { needsKey } from './needs-key.ts';
import { chain, daily, PATIENT, type Pipeline } from './pipeline.ts';

export const dailyBatchProcessing: Pipeline = {
  ...{ name: 'daily_batch_processing', schedule: daily(0, 15), ...PATIENT },
  // a first back-fill reads half a year
  timeoutMs: 2 * 3_600_000,
  unavailable: needsKey,
  steps: [
    ...chain(ingestC2cOrders, landingToBronze, silverC2cOrders),
    { task: goldC2cDailyVolume, after: [silverC2cOrders.name] },
    { task: goldC2cSummary, after: [silverC2cOrders.name] },
  ],
};
