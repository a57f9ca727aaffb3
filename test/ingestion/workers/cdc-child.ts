/** A process of its own that takes changes to the tables and the live stream, until it is told to stop or dies. */
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createLog } from '../../../src/platform/log.ts';
import { openPlatform } from '../../../src/platform/open.ts';

const platform = await openPlatform(
  { config: readConfig(process.env), log: createLog('debug'), fatal: () => process.exit(1) },
  MIGRATIONS,
);
const running = await startWorkers(platform, { only: ['cdc', 'live'], onFatal: () => process.exit(1) });
process.once('SIGTERM', async () => {
  await running.stop();
  await platform.stop();
  process.exit(0);
});
