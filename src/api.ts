/** The role api: queries and subscriptions, from the stores to clients. Any number of them may run. */
import { MIGRATIONS } from '../migrations/index.ts';
import { startApi } from '../resolvers/api.ts';
import { openPlatform } from './platform/open.ts';
import { runProcess, together } from './platform/run.ts';

await runProcess(['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS'], async (process) => {
  const platform = await openPlatform(process, MIGRATIONS);
  const api = await startApi(platform);
  process.log.info({ url: `${api.url}/graphql` }, 'serving');
  return together([platform, api]);
});
