/** The API on an in-memory live store, behind a network that can be cut. */
import { startApi } from '../../resolvers/api.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import type { LiveStore } from '../../src/platform/live/store.ts';
import { createLog } from '../../src/platform/log.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const answers = { query: async () => [], ping: async () => {}, close: async () => {} };

export interface Served {
  live: LiveStore;
  proxy: TcpProxy;
  /** http://127.0.0.1:port/graphql, through the proxy. */
  http: string;
  ws: string;
  /** Where the server itself is. */
  direct: string;
  /** Cuts every connection; what comes next gets through. */
  cut(): Promise<void>;
  /** The server stops in order, and another takes its place. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the server with settings, on a database that has nothing where none is given. */
export async function serve(env: NodeJS.ProcessEnv = {}, postgres = answers as unknown as Postgres): Promise<Served> {
  const live = createMemoryLiveStore();
  const log = createLog('silent');
  const start = (port: string) => {
    const config = readConfig({ PORT: port, METRICS_PORT: '0', ...env });
    return startApi({ config, log, live, postgres, broker: answers as unknown as Broker });
  };
  let api = await start('0');
  const proxy = await startTcpProxy(api.port);
  return {
    live,
    proxy,
    http: `http://127.0.0.1:${proxy.port}/graphql`,
    ws: `ws://127.0.0.1:${proxy.port}/graphql`,
    direct: api.url,
    async cut() {
      await proxy.set('reset');
      await proxy.set('pass');
    },
    async restart() {
      await api.stop();
      api = await start(String(api.port));
    },
    async stop() {
      await api.stop();
      await proxy.stop();
      await live.close();
    },
  };
}
