/** The latest orders into the table that change data capture watches. */
import { upsertLatestC2cOrders } from '../c2c/ingest.ts';
import { needsKey } from './needs-key.ts';
import { chain, hourly, type Pipeline, USUAL } from './pipeline.ts';

export const streamingIngestion: Pipeline = {
  ...{ name: 'streaming_ingestion', schedule: hourly(5), ...USUAL },
  unavailable: needsKey,
  steps: chain(upsertLatestC2cOrders),
};
