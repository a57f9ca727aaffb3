/** Store → client: the schema on the server, with one hub that follows the live streams for all of them. */
import { type ApiServer, startApiServer } from '../src/platform/http-api.ts';
import type { Platform } from '../src/platform/platform.ts';
import { startHub } from '../src/stream/hub.ts';
import { createContext } from './context.ts';
import { buildTickgraphSchema } from './index.ts';

/** Serves the API as the settings say. Throws when the port is taken. */
export async function startApi(platform: Platform): Promise<ApiServer> {
  const schema = buildTickgraphSchema();
  const hub = startHub(platform);
  const contextFor = createContext.bind(null, platform, hub);
  const server = await startApiServer({ platform, schema, contextFor });
  return {
    ...server,
    async stop() {
      await server.stop();
      await hub.stop();
    },
  };
}
