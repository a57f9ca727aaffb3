/** The API's server: GraphQL over HTTP, event streams and WebSocket on /graphql, GraphiQL, health and metrics, on one port. */
import type { GraphQLSchema } from 'graphql';
import { type Access, type Caller, createAccess } from '../access.ts';
import { openAccessFile } from '../access-file.ts';
import { createAdmission, createKeyAdmission } from '../graphql/admission.ts';
import { createDocuments } from '../graphql/documents.ts';
import { createGraphqlHttp, type GraphqlHttp, type HttpAnswer } from '../graphql/http.ts';
import { overLimit } from '../graphql/limits.ts';
import type { OperationRequest } from '../graphql/request.ts';
import { createGraphqlSockets } from '../graphql/socket.ts';
import { createGraphqlStreams, type GraphqlStreams } from '../graphql/sse.ts';
import type { Subscribe } from '../graphql/subscribe.ts';
import { addHealthRoutes, createReadiness } from '../health.ts';
import type { Platform, Running } from '../platform.ts';
import { addGraphiql } from './graphiql.ts';
import { close, createHttpApp, errorBody, type HttpApp, type HttpReply, type HttpRequest, listen } from './server.ts';

const PATH = '/graphql';
/** Connections besides the WebSockets: queries, probes, scrapes. */
const HTTP_CONNECTIONS = 1_000;
/** For requests in hand and for close frames; an ordered stop of the whole process must fit into 5 s. */
const DRAIN_MS = 2_500;

export interface ApiServerOptions {
  platform: Platform;
  schema: GraphQLSchema;
  /** Begins subscriptions. */
  subscribe: Subscribe;
  /** What the resolvers of one operation are given. */
  contextFor(caller: Caller, request: OperationRequest): object | Promise<object>;
  /** Bound on the ordered stop. */
  drainMs?: number;
  /** Between two pings of a WebSocket; one that did not answer the last is dropped. */
  pingMs?: number;
}

export interface ApiServer extends Running {
  /** E.g. `http://127.0.0.1:4000`. */
  url: string;
  port: number;
}

/** Refuses pages of foreign origins and tells browsers what others may send (CORS). */
function addOriginRules(app: HttpApp, access: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined) return undefined;
    reply.header('vary', 'origin');
    if (!access.originAllowed(request.raw)) {
      return reply.code(403).send(errorBody('FORBIDDEN', 'This origin may not call the API (ALLOWED_ORIGINS).'));
    }
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', 'x-request-id');
    if (request.method !== 'OPTIONS') return undefined;
    return reply
      .headers({
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers':
          'authorization, content-type, last-event-id, apollo-require-preflight, x-apollo-operation-name',
        'access-control-max-age': '600',
      })
      .code(204)
      .send();
  });
}

/** The answer of an operation, or of its failure to come in time. */
async function within(
  timeoutMs: number,
  abort: AbortController,
  answer: Promise<HttpAnswer>,
): Promise<HttpAnswer | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((done) => {
    timer = setTimeout(() => {
      abort.abort();
      done(null);
    }, timeoutMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

interface Operations {
  graphql: GraphqlHttp;
  streams: GraphqlStreams;
  access: Access;
  timeoutMs: number;
}

function addGraphql(app: HttpApp, { graphql, streams, access, timeoutMs }: Operations): void {
  const callers = new WeakMap<HttpRequest, Caller>();
  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: PATH,
    // before the body is read: strangers don't make us read
    async onRequest(request: HttpRequest, reply: HttpReply) {
      reply.header('cache-control', 'no-store');
      const caller = access.identify(request.raw);
      if (caller) callers.set(request, caller);
      else {
        return reply
          .code(401)
          .header('www-authenticate', 'Bearer')
          .send(errorBody('UNAUTHENTICATED', 'A valid access token is needed (Authorization: Bearer …).'));
      }
    },
    async handler(request, reply) {
      const caller = callers.get(request)!;
      if (streams.wants(request.raw)) {
        reply.hijack();
        const { raw, body, id } = request;
        return streams.serve({
          raw,
          response: reply.raw,
          headers: Object.fromEntries(Object.entries(reply.getHeaders())),
          body,
          id,
          caller,
        });
      }
      const abort = new AbortController();
      reply.raw.once('close', () => abort.abort());
      const answer = await within(
        timeoutMs,
        abort,
        graphql.answer(
          {
            method: request.method,
            search: request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '',
            headers: request.headers,
            body: request.body,
          },
          { id: request.id, transport: 'http', caller, seesSchema: access.maySeeSchema(caller), signal: abort.signal },
        ),
      );
      if (!answer) {
        const { message, extensions } = overLimit('TIMEOUT', 'No answer in time', 'REQUEST_TIMEOUT_MS', timeoutMs);
        const { limit, max } = extensions;
        return reply.code(504).send(errorBody('TIMEOUT', message, { limit, max }));
      }
      for (const [name, value] of answer.headers) reply.header(name, value);
      return reply.code(answer.status).send(answer.body);
    },
  });
}

/** Starts the API on HOST and PORT of the platform's settings. Rejects where the address is taken. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { platform, schema } = options;
  const { config, log } = platform;
  const file = config.ACCESS_TOKENS_FILE ? openAccessFile(config.ACCESS_TOKENS_FILE, log) : undefined;
  const access = createAccess({
    tokens: config.ACCESS_TOKENS,
    file,
    host: config.HOST,
    allowedOrigins: config.ALLOWED_ORIGINS,
  });
  const documents = createDocuments(schema, config);
  const contextOf = (request: OperationRequest) => options.contextFor(request.caller, request);
  const graphql = await createGraphqlHttp({ schema, documents, contextOf, log });
  const transport = {
    schema,
    subscribe: options.subscribe,
    documents,
    access,
    contextOf,
    admission: createAdmission(config),
    keys: createKeyAdmission(config.MAX_SOCKETS_PER_KEY),
    limits: config,
    log,
    pingMs: options.pingMs,
  };
  const sockets = createGraphqlSockets(transport);
  const streams = createGraphqlStreams({ ...transport, graphql });
  const app = createHttpApp({
    log,
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxConnections: config.MAX_SOCKETS + HTTP_CONNECTIONS,
  });
  addOriginRules(app, access);
  addGraphql(app, { graphql, streams, access, timeoutMs: config.REQUEST_TIMEOUT_MS });
  addGraphiql(app, log);
  addHealthRoutes(app, createReadiness(platform, { feeds: true }));
  app.server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] === PATH) sockets.upgrade(request, socket, head);
    else sockets.refuse(socket, 404);
  });
  const bound = await listen(app, config.HOST, config.PORT, 'PORT');

  return {
    ...bound,
    async stop() {
      const graceMs = options.drainMs ?? DRAIN_MS;
      await Promise.all([close(app, graceMs), sockets.stop(graceMs), streams.stop()]);
      await graphql.stop();
      await file?.stop();
    },
  };
}
