/** Owner of fastify: an HTTP server that reads JSON only, answers JSON only, and is bounded in size and time. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { ErrorCode } from '../../../schema/errors.ts';
import { ConfigError } from '../config.ts';
import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';

export type HttpApp = FastifyInstance;
export type HttpRequest = FastifyRequest;
export type HttpReply = FastifyReply;

/** A client may take this long for its headers, and for the whole request. */
const HEADERS_TIMEOUT_MS = 10_000;
const RECEIVE_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_MS = 65_000;

/** Code and message of what the server itself refuses, by status. */
const REFUSALS: Readonly<Record<number, readonly [code: ErrorCode, message: string]>> = {
  400: ['BAD_REQUEST', 'The body is not JSON.'],
  404: ['NOT_FOUND', 'There is nothing here.'],
  413: ['PAYLOAD_TOO_LARGE', 'The body is too large'],
  415: ['BAD_REQUEST', 'The body must be application/json, not compressed.'],
  431: ['BAD_REQUEST', 'The headers are too large.'],
};

export interface HttpServerOptions {
  log: Log;
  maxBodyBytes: number;
  maxConnections: number;
}

export interface ErrorBody {
  errors: { message: string; extensions: Record<string, unknown> }[];
}

/** The JSON body of an error. */
export function errorBody(code: ErrorCode, message: string, extensions: Record<string, unknown> = {}): ErrorBody {
  metrics.errors.inc({ code });
  return { errors: [{ message, extensions: { code, ...extensions } }] };
}

function refuse(request: HttpRequest, reply: HttpReply, error: { statusCode?: number }, options: HttpServerOptions) {
  const status = error.statusCode ?? 500;
  const known = REFUSALS[status];
  if (!known || status >= 500) {
    options.log.error({ err: error, requestId: request.id, url: request.routeOptions.url }, 'request failed');
    return reply.code(500).send(errorBody('INTERNAL_SERVER_ERROR', 'Internal error', { requestId: request.id }));
  }
  const [code, message] = known;
  if (status !== 413) return reply.code(status).send(errorBody(code, message));
  const limit = 'MAX_BODY_BYTES';
  metrics.refused.inc({ limit });
  const max = options.maxBodyBytes;
  // what is left of the body is not read
  return reply
    .header('connection', 'close')
    .code(413)
    .send(errorBody(code, `${message}; the limit is ${max} bytes (${limit}).`, { limit, max }));
}

/** A server without routes. */
export function createHttpApp(options: HttpServerOptions): HttpApp {
  const app = fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes,
    requestTimeout: RECEIVE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 2_000 },
  });
  app.server.maxConnections = options.maxConnections;

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: HttpRequest, body: Buffer) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw Object.assign(new Error('compressed body'), { statusCode: 415 });
    try {
      return JSON.parse(body.toString('utf8')) as unknown;
    } catch {
      throw Object.assign(new Error('not JSON'), { statusCode: 400 });
    }
  });
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error as { statusCode?: number }, options));
  app.setNotFoundHandler((request, reply) => refuse(request, reply, { statusCode: 404 }, options));
  return app;
}

/** Binds the server; `port` 0 takes a free one. Throws ConfigError, naming the `setting` of the port, where it is taken. */
export async function listen(
  app: HttpApp,
  host: string,
  port: number,
  setting: 'PORT' | 'METRICS_PORT',
): Promise<{ url: string; port: number }> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new ConfigError([
      `${setting}: ${host}:${port} is taken by another program; end it or set another ${setting}`,
    ]);
  }
  const bound = (app.server.address() as AddressInfo).port;
  // a server on every address is reachable under localhost
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${bound}`, port: bound };
}

/** Takes no new connection, lets requests in hand finish, cuts what is left after `graceMs`. */
export async function close(app: HttpApp, graceMs: number): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), graceMs);
  // a connection kept alive becomes idle when its answer is out
  const sweep = setInterval(() => app.server.closeIdleConnections(), 20);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
    clearInterval(sweep);
  }
}
