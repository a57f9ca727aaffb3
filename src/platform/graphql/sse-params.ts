/** What a request for an event stream asks: the parameters of GraphQL over HTTP, from the body or the query string. */
import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { clientError } from '../../../schema/errors.ts';

export interface SseParams {
  query: string;
  operationName?: string;
  variables: Record<string, unknown>;
}

export function isGraphqlError(error: unknown): error is GraphQLError {
  return error instanceof GraphQLError;
}

const bad = (what: string): GraphQLError => clientError('BAD_REQUEST', what);

function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw bad(`${name} must be an object.`);
  return value as Record<string, unknown>;
}

function parsed(name: string, text: string | null): unknown {
  if (text === null || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`${name} must be JSON.`);
  }
}

/** The parameters of a GET or a POST. Throws BAD_REQUEST. */
export function paramsOf({ method, url = '' }: IncomingMessage, body: unknown): SseParams {
  let given: Record<string, unknown>;
  if (method === 'POST') {
    given = objectOf('The body', body);
  } else {
    const search = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
    const variables = parsed('variables', search.get('variables'));
    given = { query: search.get('query'), operationName: search.get('operationName'), variables };
  }
  const { query, operationName } = given;
  if (typeof query !== 'string' || query === '') throw bad('query must be a document.');
  if (operationName != null && typeof operationName !== 'string') throw bad('operationName must be text.');
  return { query, operationName: operationName || undefined, variables: objectOf('variables', given.variables) };
}
