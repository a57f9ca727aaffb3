/**
 * Everything in one process, nothing installed but Node: embedded stores where the settings name none, and stand-ins of
 * the exchanges unless `--live` or an exchange's own endpoints are given.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { startCapture } from '../ingestion/capture/capture.ts';
import { CONNECTORS } from '../ingestion/exchanges/index.ts';
import { startIngest } from '../ingestion/ingest.ts';
import { startAllPipelines } from '../ingestion/pipelines/index.ts';
import { startWorkers } from '../ingestion/workers/index.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { startApi } from '../resolvers/api.ts';
import { startStandIns } from '../sim/index.ts';
import { openPlatform } from './platform/open.ts';
import { runProcess, together } from './platform/run.ts';
import { usesC2cStandIn } from './platform/settings-c2c.ts';

// much lives here for minutes: V8 by itself lets the heap grow to several times of it before it collects
setFlagsFromString('--heap-growing-percent=40');
const { values: flags } = parseArgs({ options: { live: { type: 'boolean', default: false } } });

await runProcess([], async (process) => {
  const { config } = process;
  globalThis.process.stdout.write(
    '\n  Tickgraph starts; the first time, its database is made. That takes some seconds.\n',
  );
  const platform = await openPlatform(process, MIGRATIONS);
  const wanted = new Set(config.MARKETS.map((m) => m.exchange));
  for (const { exchange, settings } of Object.values(CONNECTORS)) {
    if (flags.live || config[settings.rest]) wanted.delete(exchange);
  }
  const c2c = usesC2cStandIn(config, flags.live);
  const standIns = await startStandIns([...wanted], config.SIM_SEED, { c2c });
  const workers = await startWorkers(platform, { onFatal: process.fatal });
  const capture = await startCapture(platform, 'embedded');
  const pipelines = await startAllPipelines({ ...platform, config: { ...config, ...standIns.settings } });
  const ingest = await startIngest(platform, { endpoints: standIns.endpoints });
  const api = await startApi(platform);
  const simulated = [...Object.keys(standIns.endpoints), ...(c2c ? ["a merchant's C2C orders"] : [])];
  globalThis.process.stdout.write(
    [
      '',
      '  Tickgraph is running.',
      simulated.length > 0
        ? `  The data is SIMULATED (${simulated.join(', ')}); "npm start -- --live" connects to the real exchanges.`
        : '  The data is real.',
      `  GraphiQL  ${api.url}/graphiql`,
      `  GraphQL   ${api.url}/graphql (HTTP and WebSocket)`,
      `  Health    ${api.url}/readyz   Metrics ${api.url}/metrics`,
      '  Ctrl-C ends it.',
      '',
      '',
    ].join('\n'),
  );
  // stopped from the end: no new clients, no new frames, then what is on its way is written
  return together([platform, standIns, workers, capture, pipelines, ingest, api]);
});
