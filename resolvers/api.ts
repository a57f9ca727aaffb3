/** Store → client: the schema on the server, with one live core for all subscriptions. */
import { type ApiServer, startApiServer } from '../src/platform/http-api.ts';
import type { Platform } from '../src/platform/platform.ts';
import { startLiveCore } from '../src/stream/core.ts';
import { createContext } from './context.ts';
import { buildTickgraphSchema } from './index.ts';

/** Serves the API as the settings say. Throws when the port is taken. */
export async function startApi(platform: Platform): Promise<ApiServer> {
  const schema = buildTickgraphSchema();
  const contextFor = createContext.bind(null, platform);
  const core = startLiveCore({ platform, contextOf: contextFor });
  const server = await startApiServer({ platform, schema, subscribe: core.subscribe, contextFor });
  return {
    ...server,
    async stop() {
      await server.stop();
      await core.stop();
    },
  };
}
