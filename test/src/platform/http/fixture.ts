/** A small schema with every way to behave badly, behind the real server with stores that only answer pings. */
import {
  buildSchema,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  subscribe,
} from 'graphql';
import { readConfig } from '../../../../src/platform/config.ts';
import type { OperationRequest } from '../../../../src/platform/graphql/request.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../../../src/platform/http/api.ts';
import { LiveStoreUnavailable } from '../../../../src/platform/live/store.ts';
import { createLog } from '../../../../src/platform/log.ts';
import type { Platform } from '../../../../src/platform/platform.ts';

/** In no reply and, as a credential, in no log line. */
export const CANARY = 'postgres://user:canary-5up3r@db.internal/prices';

const SDL = `
  scalar Any
  type Query {
    hello(name: String = "you", list: [Int], any: Any): String
    role: String
    fails: String
    coded: String
    unavailable: String
    slow: String
    digits: Any
    required: String!
    int: Int
    exact(n: Int!): Int
    markets(first: Int! = 100): MarketConnection!
    tickers: [Market!]!
  }
  type MarketConnection { nodes: [Market!]! }
  type Market { symbol: String! next: Market klines(first: Int! = 500): KlineConnection! bids(depth: Int! = 20): [Level!]! }
  type KlineConnection { nodes: [Kline!]! }
  type Kline { open: String! close: String! }
  type Level { price: String! }
  type Mutation { touch: Boolean! }
  type Subscription {
    ticks(count: Int! = 3): Int
    quiet: Int
    slowConsumer: Int
    crashes: Int
    eventFails: Int
    refused: Int
    refusedUnexpectedly: Int
  }
`;

type Resolver = GraphQLFieldResolver<unknown, { request: OperationRequest }>;

export const coded = (code: string, message = 'told'): GraphQLError =>
  new GraphQLError(message, { extensions: { code } });

const QUERY: Record<string, Resolver> = {
  hello: (_, { name }) => `hello ${name}`,
  role: (_, __, { request }) => request.caller.role,
  fails: () => {
    throw new Error(`connect ${CANARY}`);
  },
  coded: () => {
    throw coded('BAD_USER_INPUT', 'symbol: unknown');
  },
  unavailable: () => {
    throw new LiveStoreUnavailable(CANARY);
  },
  slow: (_, __, { request }) =>
    new Promise((done) => request.signal.addEventListener('abort', () => done('aborted'), { once: true })),
  digits: () => 12345678901234567890n,
  required: () => null,
  int: () => CANARY,
  exact: (_, { n }) => n,
  markets: (_, { first }) => ({ nodes: Array.from({ length: Math.min(first, 3) }, (_, i) => ({ symbol: `S${i}` })) }),
  tickers: () => [],
};

/** How many subscriptions have a source that was neither exhausted nor returned. */
export const openSources = { count: 0 };

/** `values` one after the other, then the error, the end, or (`stays`) nothing more. */
function source(values: readonly unknown[], end: { error?: unknown; stays?: boolean; returnAfterMs?: number } = {}) {
  const left = [...values];
  let stop: (() => void) | undefined;
  let open = true;
  openSources.count += 1;
  const ended = (): void => {
    if (open) openSources.count -= 1;
    open = false;
    stop?.();
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (open && left.length > 0) return { value: left.shift(), done: false as const };
      if (open && end.stays) await new Promise<void>((done) => (stop = done));
      const fail = open && end.error !== undefined;
      ended();
      if (fail) throw end.error;
      return { value: undefined, done: true as const };
    },
    async return() {
      if (end.returnAfterMs) await new Promise((done) => setTimeout(done, end.returnAfterMs));
      ended();
      return { value: undefined, done: true as const };
    },
  };
}

const SUBSCRIPTION: Record<string, Resolver> = {
  ticks: (_, { count }) => source(Array.from({ length: count }, (_, i) => i)),
  quiet: () => source([1], { stays: true, returnAfterMs: 20 }),
  slowConsumer: () => source([1], { error: coded('SLOW_CONSUMER', 'reads too slowly') }),
  crashes: () => source([1], { error: new Error(`lost ${CANARY}`) }),
  eventFails: () => source([new Error(`event ${CANARY}`)]),
  refused: () => {
    throw coded('BAD_USER_INPUT', 'symbol: unknown');
  },
  refusedUnexpectedly: () => {
    throw new Error(CANARY);
  },
};

export function testSchema(): GraphQLSchema {
  const schema = buildSchema(SDL);
  const attach = (type: GraphQLObjectType, resolvers: Record<string, Resolver>, as: 'resolve' | 'subscribe') => {
    for (const [name, resolver] of Object.entries(resolvers)) type.getFields()[name]![as] = resolver;
  };
  attach(schema.getQueryType()!, QUERY, 'resolve');
  attach(schema.getMutationType()!, { touch: () => true }, 'resolve');
  attach(schema.getSubscriptionType()!, SUBSCRIPTION, 'subscribe');
  for (const field of Object.values(schema.getSubscriptionType()!.getFields())) {
    field.resolve = (value) => {
      if (value instanceof Error) throw value;
      return value;
    };
  }
  return schema;
}

const answers = { ping: async () => {} };

/** A platform of the settings given, with stores that answer pings and have no data; log lines land in `lines`. */
export function testPlatform(env: NodeJS.ProcessEnv, lines: string[] = [], stores: object = {}): Platform {
  const log = createLog('debug', { write: (line) => lines.push(line) });
  const live = { ...answers, fields: async () => ({}), latest: async () => [] };
  const config = readConfig({ PORT: '0', METRICS_PORT: '0', ...env });
  return { config, log, postgres: answers, broker: answers, live, ...stores } as unknown as Platform;
}

export interface TestApi extends ApiServer {
  lines: string[];
  graphql(body: unknown, headers?: Record<string, string>): Promise<Reply>;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** The body, where it is JSON. */
  json: { data?: Record<string, unknown> | null; errors?: TestError[] };
}

export interface TestError {
  message: string;
  path?: unknown[];
  extensions: Record<string, unknown>;
}

/** The code of a reply's first error. */
export const codeOf = ({ json }: Reply): unknown => json.errors?.[0]?.extensions.code;

export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const json = (isJson && text !== '' ? JSON.parse(text) : {}) as Reply['json'];
  return { status: response.status, headers: response.headers, text, json };
}

/** The real server on a free loopback port. `env` are settings; `options` whatever else startApiServer takes. */
export async function startTestApi(
  env: NodeJS.ProcessEnv = {},
  options: Partial<ApiServerOptions> & { stores?: object } = {},
): Promise<TestApi> {
  const lines: string[] = [];
  const { stores, ...rest } = options;
  const server = await startApiServer({
    platform: testPlatform(env, lines, stores),
    schema: testSchema(),
    subscribe,
    contextFor: (_, request) => ({ request }),
    ...rest,
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    ...server,
    url,
    lines,
    async graphql(body, headers = {}) {
      const sent = typeof body === 'string' ? body : JSON.stringify(body);
      const init = { method: 'POST', body: sent, headers: { 'content-type': 'application/json', ...headers } };
      return replyOf(await fetch(`${url}/graphql`, init));
    },
  };
}
