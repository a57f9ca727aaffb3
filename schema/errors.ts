/** Every code that an error may carry in `extensions.code`, and what it means. README is tested against this table. */
import { GraphQLError } from 'graphql';

export const ERROR_CODES = {
  BAD_USER_INPUT:
    'An argument is wrong; `extensions.argument` names it, `extensions.max` the cap where one is exceeded',
  UNAUTHENTICATED: 'No credentials, or unknown, revoked or expired ones',
  FORBIDDEN: 'The role of the caller does not allow this',
  NOT_SUPPORTED: 'Part of the contract, but not available in this version; `extensions.argument` says what',
  SLOW_CONSUMER: 'Events came faster than they were read; `extensions.cursor` is the last one handed over',
  CURSOR_EXPIRED: 'The cursor is older than what is kept, and the stream has no snapshot to start anew from',
  STORE_UNAVAILABLE: 'A store does not answer; try again',
  BAD_REQUEST: 'The HTTP request is not one for GraphQL',
  NOT_FOUND: 'Nothing lives at this path',
  PAYLOAD_TOO_LARGE: 'The body is larger than `extensions.limit` allows',
  TIMEOUT: 'The answer took longer than `extensions.limit` allows',
  QUERY_TOO_COMPLEX: 'The document exceeds the bound named in `extensions.limit`: depth, tokens, aliases, cost, …',
  LIMIT_EXCEEDED: 'The client exceeds the bound named in `extensions.limit`: sockets, subscriptions, …',
  INTROSPECTION_DISABLED: 'The caller may not see the schema',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema',
  OPERATION_RESOLUTION_FAILURE: 'The document has no operation of that name',
  PERSISTED_QUERY_NOT_FOUND: 'The hash is unknown; send the document with it once',
  PERSISTED_QUERY_NOT_SUPPORTED: 'Persisted queries are switched off',
  INTERNAL_SERVER_ERROR: 'Something unexpected; it is logged under `extensions.requestId`',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error that is meant for the client as it is. `details` go into its extensions. */
export function clientError(code: ErrorCode, message: string, details: Record<string, unknown> = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...details } });
}

/** The refusal of one argument: its name and what is wrong with it. */
export function badInput(argument: string, problem: string, details: Record<string, unknown> = {}): GraphQLError {
  return clientError('BAD_USER_INPUT', `${argument}: ${problem}`, { argument, ...details });
}
