/** Seen from outside: /healthz (the process lives), /readyz (it can do its work, or why not), /metrics. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { feedKey, latestKlineKey, tickerKey } from '../../schema/live/keys.ts';
import type { Exchange, MarketRef } from '../../schema/market.ts';
import { close, createHttpApp, type HttpApp, listen } from './http/server.ts';
import { metrics, registry } from './metrics.ts';
import type { Platform, Running } from './platform.ts';

/** A readiness check is made at most this often, whoever asks. */
const REUSE_MS = 1_000;

export interface Readiness {
  ready: boolean;
  /** What is missing, one line each, by the part it is missing from. */
  reasons: Record<string, string>;
}

type Checks = Readonly<Record<string, () => Promise<void>>>;

/** Does every store answer? */
function storeChecks({ postgres, live, broker }: Platform): Checks {
  return { postgres: () => postgres.ping(), live: () => live.ping(), broker: () => broker.ping() };
}

/** Has anything arrived from an exchange? `markets` are those that are followed by name. */
async function hasData({ live }: Platform, exchange: Exchange, markets: readonly MarketRef[]): Promise<boolean> {
  const statuses = Object.values(await live.fields(feedKey(exchange)));
  if (statuses.some((status) => (JSON.parse(status) as { lastEventAt?: unknown }).lastEventAt != null)) return true;
  const newest = await live.latest(markets.flatMap((m) => [tickerKey(m), latestKlineKey(m, 'M1')]));
  return newest.some((value) => value !== null);
}

function feedChecks(platform: Platform): Checks {
  const { MARKETS } = platform.config;
  const exchanges = [...new Set(MARKETS.map(({ exchange }) => exchange))];
  const check = async (exchange: Exchange): Promise<void> => {
    const named = MARKETS.filter((m) => m.exchange === exchange && m.symbol !== '*');
    if (!(await hasData(platform, exchange, named))) throw new Error('no data yet');
  };
  return Object.fromEntries(exchanges.map((exchange) => [`feed:${exchange.toLowerCase()}`, () => check(exchange)]));
}

/** What a check that failed is reported as: never an address or a credential, which errors of clients carry. */
function reason(error: unknown): string {
  const { name, message } = error as Error;
  return message === 'no data yet' || message.startsWith('no answer') ? message : name;
}

/** Runs every check, each bounded in time. */
async function runChecks(checks: Checks, timeoutMs: number): Promise<Readiness> {
  const found = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, string] | null> => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, fail) => {
        timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      });
      try {
        await Promise.race([check(), late]);
        return null;
      } catch (error) {
        return [name, reason(error)];
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  const reasons = Object.fromEntries(found.filter((one) => one !== null));
  return { ready: Object.keys(reasons).length === 0, reasons };
}

/** The readiness of a process: its stores answer and, where it serves them (`feeds`), every exchange has data. */
export function createReadiness(platform: Platform, { feeds }: { feeds: boolean }): () => Promise<Readiness> {
  const checks = { ...storeChecks(platform), ...(feeds ? feedChecks(platform) : {}) };
  let last: Promise<Readiness> | undefined;
  let until = 0;
  return () => {
    const now = performance.now();
    if (!last || now >= until) {
      last = runChecks(checks, platform.config.STORE_TIMEOUT_MS);
      until = now + REUSE_MS;
    }
    return last;
  };
}

/** Adds the three routes. */
export function addHealthRoutes(app: HttpApp, readiness: () => Promise<Readiness>): void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  app.addHook('onClose', async () => {
    delay.disable();
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_, reply) => {
    const found = await readiness();
    return reply
      .code(found.ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(found);
  });
  app.get('/metrics', async (_, reply) => {
    metrics.eventLoopDelay.set(delay.percentile(99) / 1e9);
    delay.reset();
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
}

/** The three routes alone, for the roles that serve no API. Binds HOST and METRICS_PORT, or `port`. */
export async function startHealthServer(
  platform: Platform,
  port = platform.config.METRICS_PORT,
): Promise<Running & { url: string; port: number }> {
  const app = createHttpApp({ log: platform.log, maxBodyBytes: 1_024, maxConnections: 100 });
  addHealthRoutes(app, createReadiness(platform, { feeds: false }));
  const bound = await listen(app, platform.config.HOST, port, 'METRICS_PORT');
  return { ...bound, stop: () => close(app, 500) };
}
