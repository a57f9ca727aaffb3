/** What a resolver does when a store does not answer: goes on without it, or says so. */
import { GraphQLError } from 'graphql';
import { LiveStoreUnavailable } from '../src/platform/live/store.ts';
import { PostgresUnavailable } from '../src/platform/postgres/postgres.ts';

/** The error that a client gets; anything but a store's silence stays what it is. */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof LiveStoreUnavailable || error instanceof PostgresUnavailable)) return error;
  const store = error instanceof LiveStoreUnavailable ? 'live' : 'postgres';
  return new GraphQLError(`the ${store} store does not answer; try again`, {
    originalError: error,
    extensions: { code: 'STORE_UNAVAILABLE', store },
  });
}

/** What the store answers; STORE_UNAVAILABLE where it does not. */
export async function required<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unavailable(error);
  }
}

/** What the live store answers, or its silence as a value: for reads that can do without. */
export async function optional<T>(answer: Promise<T>): Promise<T | LiveStoreUnavailable> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof LiveStoreUnavailable) return error;
    throw unavailable(error);
  }
}
