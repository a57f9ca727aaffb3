/**
 * Operations over Server-Sent Events: GraphQL over SSE in its distinct-connections mode, one operation a request
 * (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md). Every event's `id` is its cursor, so that an
 * EventSource, which sends back the last one by itself, goes on where it was.
 */
import { randomInt } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ExecutionResult, GraphQLError, type GraphQLSchema, getOperationAST } from 'graphql';
import { decodeCursor } from '../../../schema/cursor.ts';
import { badInput, clientError } from '../../../schema/errors.ts';
import type { Access } from '../access.ts';
import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';
import type { Admission, KeyAdmission, Refusal } from './admission.ts';
import { type Documents, isRefused, type Prepared } from './documents.ts';
import { publicError } from './errors.ts';
import type { GraphqlHttp } from './http.ts';
import type { OperationRequest, RunningOperation } from './request.ts';
import { watchCallers } from './revocation.ts';
import { endStream, eventOf, SseOutlet } from './sse-outlet.ts';
import { isGraphqlError, paramsOf, type SseParams } from './sse-params.ts';
import type { GraphqlSocketOptions, Subscribe } from './subscribe.ts';

/** Clients that are told to come back spread themselves over this time. */
const RETRY_SPREAD_MS = 5_000;
/** How soon a client comes back after a break of the network. */
const RETRY_MS = 1_000;
const KEEP_ALIVE_MS = 12_000;

export interface GraphqlStreamOptions {
  schema: GraphQLSchema;
  subscribe: Subscribe;
  documents: Documents;
  /** Runs what is no subscription. */
  graphql: GraphqlHttp;
  access: Access;
  contextOf(request: OperationRequest): object | Promise<object>;
  /** Shared with the WebSockets: one connection is one connection. */
  admission: Admission;
  keys: KeyAdmission;
  limits: GraphqlSocketOptions['limits'];
  log: Log;
  /** Between two signs of life. */
  pingMs?: number;
}

/** A request whose caller is known, and how it is answered. */
export interface StreamRequest {
  raw: IncomingMessage;
  response: ServerResponse;
  /** Headers of the answer besides its own. */
  headers: OutgoingHttpHeaders;
  /** The parsed JSON body of a POST. */
  body: unknown;
  id: string;
  caller: OperationRequest['caller'];
}

export interface GraphqlStreams {
  /** True for a request that takes nothing but an event stream. */
  wants(request: IncomingMessage): boolean;
  /** Answers it; resolves when the stream is over. */
  serve(request: StreamRequest): Promise<void>;
  /** Ends every stream with a time to come back after. */
  stop(): Promise<void>;
}

interface OpenStream {
  readonly response: ServerResponse;
  readonly outlet: SseOutlet;
  readonly caller: StreamRequest['caller'];
  readonly operations: readonly RunningOperation[];
  close(): void;
}

/** A page of a foreign origin can start such a request without a word from us: it can't read the answer, but we pay. */
function isBlind({ headers, method }: IncomingMessage): boolean {
  return method === 'GET' && ['no-cors', 'navigate'].includes(String(headers['sec-fetch-mode']));
}

/** The event-stream side of the API. */
export function createGraphqlStreams(options: GraphqlStreamOptions): GraphqlStreams {
  const { schema, documents, access, keys, limits, log } = options;
  const open = new Set<OpenStream>();
  const watching = watchCallers(open, access);
  let stopping = false;

  const pings = setInterval(() => {
    for (const { outlet } of open) if (outlet.ready) outlet.send(':\n\n');
  }, options.pingMs ?? KEEP_ALIVE_MS).unref();

  function refuse({ response, headers }: StreamRequest, status: number, error: GraphQLError, retry = false): void {
    if (retry) response.setHeader('retry-after', randomInt(1, 6));
    response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify({ errors: [error] }));
  }

  /** Counts a stream in and returns what counts it out, or says why it is refused. */
  function enter({ raw, caller }: StreamRequest): (() => void) | Refusal {
    const leave = options.admission.enter(raw);
    if (typeof leave !== 'function') return leave;
    const leaveKey = keys.enter(caller.key);
    if (typeof leaveKey !== 'function') {
      leave();
      return leaveKey;
    }
    return () => {
      leave();
      leaveKey();
    };
  }

  /** The answer of a query or a mutation, or of whatever is wrong with it. */
  async function answerOnce({ raw, body }: StreamRequest, request: OperationRequest): Promise<string> {
    const { url = '', method = 'GET' } = raw;
    const search = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    // what these guard against, `isBlind` and the rules of origins do
    const headers = { ...raw.headers, accept: 'application/json', 'apollo-require-preflight': '1' };
    const { body: text } = await options.graphql.answer({ method, search, headers, body }, request);
    return text.trim();
  }

  /** The subscription that a request begins, if it may. Throws what speaks against it. */
  async function begin(
    { query, operationName, variables }: SseParams,
    prepared: Prepared,
    stream: OpenStream,
    request: OperationRequest,
    lastEventId: string,
  ): Promise<AsyncGenerator<ExecutionResult, void, void>> {
    const after = lastEventId === '' ? undefined : decodeCursor(lastEventId);
    if (after === null) throw badInput('Last-Event-ID', 'must be the id of an event of this stream');
    const result = await options.subscribe({
      schema,
      document: prepared.document,
      operationName,
      variableValues: variables,
      contextValue: await options.contextOf(request),
      // no WebSocket's operation has this name
      operationId: '',
      outlet: stream.outlet,
      caller: request.caller,
      after,
    });
    if (Symbol.asyncIterator in result) return result as AsyncGenerator<ExecutionResult, void, void>;
    throw new AggregateError(result.errors ?? [], query);
  }

  async function run(stream: OpenStream, given: StreamRequest, request: OperationRequest): Promise<void> {
    const { outlet } = stream;
    const tell = (errors: readonly unknown[]): void => {
      const told = errors.map((error) => publicError(error, request, log));
      outlet.send(eventOf('next', JSON.stringify({ errors: told }), null));
    };
    try {
      const params = paramsOf(given.raw, given.body);
      const result = documents.prepare(params.query, request.seesSchema);
      if (isRefused(result)) return tell(result);
      const operation = getOperationAST(result.document, params.operationName);
      if (!operation) {
        throw clientError('OPERATION_RESOLUTION_FAILURE', 'operationName names no operation of the document.');
      }
      if (operation.operation !== 'subscription') {
        outlet.send(eventOf('next', await answerOnce(given, request), null));
        return;
      }
      const refused = documents.admit(result, params.variables, request.seesSchema);
      if (refused) throw refused;
      const lastEventId = String(given.raw.headers['last-event-id'] ?? '');
      const events = await begin(params, result, stream, request, lastEventId);
      for (const running of stream.operations) running.events = events;
      if (request.signal.aborted) await events.return();
      // events of the live core go to the outlet, past this
      for await (const { data, errors } of events) {
        const told = errors?.map((error) => publicError(error, request, log));
        outlet.send(eventOf('next', JSON.stringify({ data, errors: told }), null));
      }
    } catch (error) {
      if (error instanceof AggregateError) tell(error.errors);
      else
        tell([isGraphqlError(error) ? error : new GraphQLError('Internal error', { originalError: error as Error })]);
    }
  }

  return {
    wants({ method, headers }) {
      const accept = headers.accept ?? '';
      const takesStream = accept.includes('text/event-stream') && !accept.includes('json');
      return takesStream && (method === 'GET' || method === 'POST');
    },
    async serve(given) {
      const { raw, response, caller, id } = given;
      if (isBlind(raw)) return refuse(given, 403, clientError('FORBIDDEN', 'A page must ask with CORS.'));
      if (stopping) return refuse(given, 503, clientError('STORE_UNAVAILABLE', 'the server is shutting down'), true);
      const leave = enter(given);
      if (typeof leave !== 'function') {
        const { limit, max, status } = leave;
        metrics.refused.inc({ limit });
        const error = clientError('LIMIT_EXCEEDED', `Too many connections; the limit is ${max} (${limit}).`, {
          limit,
          max,
        });
        return refuse(given, status, error, true);
      }
      response.writeHead(200, {
        ...given.headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
      const outlet = new SseOutlet(response, limits);
      const abort = new AbortController();
      const seesSchema = access.maySeeSchema(caller);
      const request = { id, transport: 'http' as const, caller, seesSchema, signal: abort.signal };
      const running: RunningOperation = { request, abort: () => abort.abort() };
      const stream = { response, outlet, caller, operations: [running], close() {} };
      open.add(stream);
      metrics.eventStreams.inc();
      response.once('close', () => {
        outlet.close();
        abort.abort();
        running.events?.return?.(undefined).catch(() => {});
        open.delete(stream);
        metrics.eventStreams.dec();
        leave();
      });
      outlet.send(`retry: ${RETRY_MS}\n\n`);
      await run(stream, given, request);
      // a server that goes away has not completed what it began
      if (!stopping) outlet.send(eventOf('complete', '', null));
      await endStream(outlet, response);
    },
    async stop() {
      stopping = true;
      clearInterval(pings);
      await watching.stop();
      for (const { outlet, response } of [...open]) {
        outlet.send(`retry: ${randomInt(100, RETRY_SPREAD_MS)}\n\n`);
        void endStream(outlet, response);
      }
    },
  };
}
