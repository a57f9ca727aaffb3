/** Store → client: the schema on the server, with one live core for all subscriptions. */
import { type ApiServer, startApiServer } from '../src/platform/http/api.ts';
import type { Platform } from '../src/platform/platform.ts';
import { createJobs } from '../src/platform/postgres/jobs.ts';
import { shareOf } from '../src/platform/postgres/share.ts';
import { startLiveCore } from '../src/stream/core.ts';
import { type Context, createContext } from './context.ts';
import { buildTickgraphSchema } from './index.ts';

/** Part of the pool that clients' questions may use; the rest is for health checks and, in one process, for the writers. */
const CLIENTS_SHARE = 0.6;

/** Serves the API as the settings say. Throws when the port is taken. */
export async function startApi(platform: Platform): Promise<ApiServer> {
  const { POSTGRES_POOL, STORE_TIMEOUT_MS } = platform.config;
  const atOnce = Math.max(1, Math.floor(POSTGRES_POOL * CLIENTS_SHARE));
  const postgres = shareOf(platform.postgres, { atOnce, waitMs: STORE_TIMEOUT_MS });
  const schema = buildTickgraphSchema();
  const jobs = createJobs({ url: platform.postgres.url, timeoutMs: STORE_TIMEOUT_MS, log: platform.log });
  const contextFor = (caller: Context['caller']) => createContext({ ...platform, postgres }, caller, jobs);
  const core = startLiveCore({ platform, contextOf: contextFor });
  const server = await startApiServer({ platform, schema, subscribe: core.subscribe, contextFor });
  return {
    ...server,
    async stop() {
      await server.stop();
      await core.stop();
      await jobs.stop();
    },
  };
}
