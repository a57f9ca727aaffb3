/**
 * The hooks of graphql-ws: who connects, what each operation may ask, what its errors look like. What a client sends
 * ends in an `error` for that operation, never in the end of the socket; only breaches of the protocol close it.
 */
import { randomUUID } from 'node:crypto';
import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError, getOperationAST } from 'graphql';
import { type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import { clientError } from '../../../schema/errors.ts';
import { connectionToken } from '../access.ts';
import type { Connection } from './connection.ts';
import { isRefused } from './documents.ts';
import { publicError } from './errors.ts';
import { overLimit } from './limits.ts';
import { revoked } from './revocation.ts';
import { SocketOperation } from './socket-operation.ts';
import type { GraphqlSocketOptions, Subscribe, SubscribeArgs } from './subscribe.ts';

type Params = Record<string, unknown>;
type Ctx = Context<Params, Connection>;

/** Closes a socket that is one too many of its token. */
const CLOSE_LIMIT = 4491;

/** Why a subscription did not begin. Thrown by its iterator, so that the client gets `error`. */
class NotBegun extends Error {
  override readonly name = 'NotBegun';
  constructor(readonly errors: readonly GraphQLError[]) {
    super(errors[0]?.message);
  }
}

const wrapped = (error: unknown): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError('Internal error', { originalError: error instanceof Error ? error : new Error(String(error)) });

function isIterable(
  result: AsyncIterable<ExecutionResult> | ExecutionResult,
): result is AsyncIterable<ExecutionResult> {
  return Symbol.asyncIterator in result;
}

/** A subscription, with every failure to begin as an iterator that throws it. */
async function begin(subscribe: Subscribe, args: SubscribeArgs): Promise<AsyncIterable<ExecutionResult>> {
  let errors: readonly GraphQLError[];
  try {
    const result = await subscribe(args);
    if (isIterable(result)) return result;
    errors = result.errors ?? [];
  } catch (error) {
    errors = [wrapped(error)];
  }
  return {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new NotBegun(errors)) }),
  };
}

/** graphql-js's execute, bounded in time. */
async function executeWithin(args: ExecutionArgs, timeoutMs: number): Promise<ExecutionResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ExecutionResult>((done) => {
    timer = setTimeout(
      () => done({ errors: [overLimit('TIMEOUT', 'No answer in time', 'REQUEST_TIMEOUT_MS', timeoutMs)] }),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([Promise.resolve(execute(args)), late]);
  } catch (error) {
    return { errors: [wrapped(error)] };
  } finally {
    clearTimeout(timer);
  }
}

/** The protocol with our hooks; `graphql-socket.ts` brings the sockets. */
export function protocolServer(options: GraphqlSocketOptions): Server<Connection> {
  const { schema, documents, access, keys, limits, log } = options;

  /** What is to be executed, or every reason why it is not. */
  async function prepare(
    ctx: Ctx,
    operationId: string,
    payload: SubscribePayload,
  ): Promise<GraphQLError[] | SubscribeArgs> {
    const { caller, operations, outlet } = ctx.extra;
    const { query } = payload;
    const operationName = payload.operationName ?? undefined;
    const variables = payload.variables ?? {};
    if (!caller) return [clientError('UNAUTHENTICATED', 'No access.')];
    if (!access.isValid(caller)) return [revoked()];
    const max = limits.MAX_SUBSCRIPTIONS_PER_SOCKET;
    if (Math.max(Object.keys(ctx.subscriptions).length, operations.length + 1) > max) {
      return [overLimit('LIMIT_EXCEEDED', 'Too many at once', 'MAX_SUBSCRIPTIONS_PER_SOCKET', max)];
    }
    const seesSchema = access.maySeeSchema(caller);
    const result = documents.prepare(query, seesSchema);
    if (isRefused(result)) return [...result];
    const operation = getOperationAST(result.document, operationName);
    if (!operation)
      return [clientError('OPERATION_RESOLUTION_FAILURE', 'operationName names no operation of the document.')];
    const refused = documents.admit(result, variables, seesSchema);
    if (refused) return [refused];

    const request = new SocketOperation(payload, caller, seesSchema);
    const contextValue = await options.contextOf(request);
    ctx.extra.begins(request);
    const { document, text } = result;
    // the protocol holds it as long as the operation runs: many ask in the same words
    Object.assign(payload, { query: text });
    return { schema, document, operationName, variableValues: variables, contextValue, operationId, outlet, caller };
  }

  return makeServer<Params, Connection>({
    schema,
    // the connection has its own, that goes when it is no longer needed
    connectionInitWaitTimeout: 0,
    execute: (args) => executeWithin(args, limits.REQUEST_TIMEOUT_MS),
    // the arguments are those that `prepare` made
    subscribe: (args) => begin(options.subscribe, args as SubscribeArgs),
    onConnect(ctx) {
      const { extra } = ctx;
      const request = extra.greeted();
      const caller = request && access.identify(request, connectionToken(ctx.connectionParams));
      if (!caller) return false;
      const left = keys.enter(caller.key);
      if (typeof left !== 'function') {
        // a refusal of the protocol could not say which limit it is
        const { message } = overLimit('LIMIT_EXCEEDED', 'Too many sockets of this token', left.limit, left.max);
        extra.close(CLOSE_LIMIT, message);
        return false;
      }
      extra.leave = left;
      extra.caller = caller;
      return true;
    },
    onClose({ extra }) {
      extra.leave?.();
    },
    async onSubscribe(ctx, id, payload) {
      try {
        return await prepare(ctx, id, payload);
      } catch (error) {
        return [wrapped(error)];
      }
    },
    onOperation({ extra }, _id, payload, _args, result) {
      const running = extra.operationOf(payload);
      if (running && isIterable(result as ExecutionResult)) running.events = result as AsyncGenerator<ExecutionResult>;
    },
    onNext({ extra }, _id, payload, _args, result) {
      const running = extra.operationOf(payload);
      if (!result.errors) return undefined;
      return { ...result, errors: result.errors.map((error) => publicError(error, running, log)) };
    },
    onError({ extra }, _id, payload, errors) {
      const { caller } = extra;
      const seesSchema = caller !== undefined && access.maySeeSchema(caller);
      const request = extra.operationOf(payload) ?? { id: randomUUID(), seesSchema };
      return errors
        .flatMap((error) => (error.originalError instanceof NotBegun ? error.originalError.errors : [error]))
        .map((error) => publicError(error, request, log));
    },
    onComplete({ extra }, _id, payload) {
      extra.ends(payload)?.abort();
    },
  });
}
