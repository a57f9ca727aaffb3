/** What a client is told of an error. Only what was raised on purpose, with a code, is passed on; the rest is masked. */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { ERROR_CODES, type ErrorCode } from '../../../schema/errors.ts';
import { BrokerUnavailable } from '../broker/broker.ts';
import { LiveStoreUnavailable } from '../live/store.ts';
import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';
import { PostgresUnavailable } from '../postgres/postgres.ts';
import type { OperationRequest } from './request.ts';

/** Codes of type-graphql that have another name here. */
const RENAMED: Readonly<Record<string, ErrorCode>> = { UNAUTHORIZED: 'FORBIDDEN' };
const MASKED: ErrorCode = 'INTERNAL_SERVER_ERROR';
const UNAVAILABLE = [PostgresUnavailable, LiveStoreUnavailable, BrokerUnavailable];

/** What the error was before graphql-js wrapped it. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError) root = root.originalError;
  return root;
}

/** The code of an error that was raised on purpose; undefined for an unexpected one. */
function codeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof GraphQLError)) return undefined;
  const { code, http } = error.extensions as { code?: unknown; http?: { status?: number } };
  if (typeof code === 'string' && code !== MASKED) {
    if (Object.hasOwn(ERROR_CODES, code)) return code as ErrorCode;
    if (Object.hasOwn(RENAMED, code)) return RENAMED[code];
  }
  // refusals of Apollo Server that have a status and no code: a persisted query's version or hash
  if (http?.status && http.status < 500) return 'BAD_REQUEST';
  // graphql-js refuses arguments and variables at run time with an error that points at them; its other ones are ours
  const root = rootOf(error);
  return root instanceof GraphQLError && root.nodes?.length ? 'BAD_USER_INPUT' : undefined;
}

/**
 * The form of an error that goes to the client. An unexpected one is logged with its cause and the request's id, and
 * answered as INTERNAL_SERVER_ERROR with that id, or as STORE_UNAVAILABLE where a store does not answer.
 */
export function publicError(
  error: unknown,
  request: Pick<OperationRequest, 'id' | 'seesSchema'> | undefined,
  log: Log,
): GraphQLFormattedError {
  const { locations, path } = error instanceof GraphQLError ? error.toJSON() : ({} as Partial<GraphQLFormattedError>);
  const place = { ...(locations && { locations }), ...(path && { path }) };
  const code = codeOf(error);
  if (code !== undefined) {
    metrics.errors.inc({ code });
    const { message, extensions } = error as GraphQLError;
    const { http: _, stacktrace: __, ...told } = extensions;
    return {
      message: request?.seesSchema ? message : message.replace(/ Did you mean [^?]*\?/g, ''),
      ...place,
      extensions: { ...told, code },
    };
  }
  const cause = rootOf(error);
  const unavailable = UNAVAILABLE.some((kind) => cause instanceof kind);
  const masked: ErrorCode = unavailable ? 'STORE_UNAVAILABLE' : MASKED;
  metrics.errors.inc({ code: masked });
  log[unavailable ? 'warn' : 'error']({ err: cause, requestId: request?.id, path }, 'operation failed');
  const message = unavailable ? 'A store does not answer; try again.' : 'Internal error';
  return { message, ...place, extensions: { code: masked, requestId: request?.id } };
}
