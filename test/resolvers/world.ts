/** The schema on a database and an in-memory live store, with every call to either written down. */
import assert from 'node:assert/strict';
import { type ExecutionResult, execute, parse, validate } from 'graphql';
import { MIGRATIONS } from '../../migrations/index.ts';
import { createContext } from '../../resolvers/context.ts';
import { buildTickgraphSchema } from '../../resolvers/index.ts';
import type { Caller } from '../../src/platform/access.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';
import { readConfig } from '../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../src/platform/live/memory/store.ts';
import type { LiveStore } from '../../src/platform/live/store.ts';
import { createLog } from '../../src/platform/log.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { startLiveCore } from '../../src/stream/core.ts';
import type { TypedDocumentString } from '../generated/graphql.ts';
import { follow, type TestOutlet } from '../support/outlet.ts';
import { openTestDatabase } from '../support/postgres.ts';

const READER: Caller = { role: 'reader', local: false };
const schema = buildTickgraphSchema();

interface Failing {
  error: Error | null;
}

/** Wraps a store so that its calls are written down, and fail while `failing` says with what. */
function watched<T extends object>(name: string, target: T, calls: string[], failing: Failing): T {
  return new Proxy(target, {
    get(object, property) {
      const value = Reflect.get(object, property) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.push(`${name}.${String(property)}`);
        const fails = failing.error && property !== 'tail' && property !== 'close';
        return fails ? Promise.reject(failing.error) : (value.apply(object, args) as unknown);
      };
    },
  });
}

/** As it reaches a client: graphql-js makes objects without a prototype. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** For tests that must not touch a database. */
export const noPostgres = { query: () => Promise.reject(new Error('no database here')) } as unknown as Postgres;

/** The schema around the given database. */
export function createWorld(
  postgres: Postgres,
  env: NodeJS.ProcessEnv = {},
  live: LiveStore = createMemoryLiveStore(),
) {
  const calls: string[] = [];
  const liveFailing: Failing = { error: null };
  const platform: Platform = {
    config: readConfig(env),
    log: createLog('silent'),
    postgres: watched('postgres', postgres, calls, { error: null }),
    broker: null as unknown as Broker,
    live: watched('live', live, calls, liveFailing),
  };
  const core = startLiveCore({ platform, contextOf: (scope) => createContext(platform, scope) });
  calls.length = 0;

  function request(document: string, variables: unknown, caller = READER) {
    const parsed = parse(document);
    return {
      problems: validate(schema, parsed),
      args: {
        schema,
        document: parsed,
        variableValues: (variables ?? {}) as Record<string, unknown>,
        contextValue: createContext(platform, caller),
      },
    };
  }

  /** The result of an operation, errors and all. */
  async function ask<R, V>(document: TypedDocumentString<R, V> | string, variables?: V, caller?: Caller) {
    const { problems, args } = request(String(document), variables, caller);
    return asJson(problems.length > 0 ? { errors: problems } : await execute(args)) as ExecutionResult<R>;
  }

  return {
    platform,
    live,
    core,
    /** `store.method` of every call so far. */
    calls,
    /** Set its error to take the live store away. */
    liveFailing,
    ask,
    /** The data of an operation that must not fail. */
    async data<R, V>(document: TypedDocumentString<R, V>, variables: V): Promise<R> {
      const { errors, data } = await ask(document, variables);
      assert.deepEqual(errors ?? [], []);
      assert.ok(data);
      return data;
    },
    /** Message and extensions of the one error that an operation must end in. */
    async refusal<R, V>(document: TypedDocumentString<R, V> | string, variables?: V, caller?: Caller) {
      const { errors = [] } = await ask(document, variables, caller);
      assert.equal(errors.length, 1, JSON.stringify(errors));
      return { ...errors[0]?.extensions, message: errors[0]?.message ?? '' } as Record<string, unknown>;
    },
    /** Subscribes. Throws the error that a refused subscription is answered with. */
    async follow<R, V>(document: TypedDocumentString<R, V>, variables: V, outlet?: TestOutlet, caller = READER) {
      const { problems, args } = request(String(document), variables, caller);
      assert.deepEqual(problems, []);
      const followed = await follow(core, { ...args, outlet, caller });
      return {
        ...followed,
        async next(): Promise<R> {
          const { value, done } = await followed.raw();
          assert.ok(!done && value, 'the subscription ended');
          assert.deepEqual(value.errors ?? [], []);
          return asJson(value.data) as R;
        },
      };
    },
    async stop(): Promise<void> {
      await core.stop();
      await live.close();
    },
  };
}

/** The schema on a fresh, migrated database. */
export async function openWorld(env?: NodeJS.ProcessEnv, live?: LiveStore) {
  const database = await openTestDatabase(MIGRATIONS);
  const world = createWorld(database.postgres, env, live);
  return {
    ...world,
    postgres: database.postgres,
    async stop() {
      await world.stop();
      await database.stop();
    },
  };
}
export type World = Awaited<ReturnType<typeof openWorld>>;
