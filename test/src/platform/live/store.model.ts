/** Random commands whose outcome on two live stores must be the same: the in-memory one is the model of the other. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LiveAppend, LiveStore, LiveWrite } from '../../../../src/platform/live/store.ts';
import { anyText } from '../../../support/texts.ts';
import { advance, event, recent, restart } from './store.fixture.ts';

type Key = (name: string) => string;
type Command = (store: LiveStore, key: Key) => Promise<unknown>;

const FAR_MS = 3_600_000;

const name = fc.constantFrom('a', 'b', 'c');
const small = fc.nat(6);

const write: fc.Arbitrary<(key: Key) => LiveWrite> = fc
  .tuple(
    fc.constantFrom('latest', 'value', 'list', 'field'),
    name,
    fc.string({ maxLength: 5 }),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([kind, n, value, cap]) => (key) => {
    const at = key(`${kind}-${n}`);
    switch (kind) {
      case 'value':
        return { kind, key: at, value, ttlMs: FAR_MS };
      case 'list':
        return { kind, key: at, value, cap };
      case 'field':
        return { kind, key: at, field: String(cap), value };
      default:
        return { kind: 'latest', key: at, value };
    }
  });

const version = fc.oneof(
  fc.tuple(small, fc.nat(4)).map(([id, keep]) => recent(String(id), keep)),
  small.map(advance),
  small.map(restart),
);

const append = fc.record({
  stream: name,
  epoch: fc.constantFrom('e1', 'e1', 'e1', 'e2'),
  offset: fc.nat(120).map(BigInt),
  version,
  payload: anyText({ maxLength: 8 }),
  gap: fc.option(fc.constant('{"missed":1}'), { nil: undefined }),
  time: fc.nat(200),
  retentionMs: fc.integer({ min: 0, max: 100 }),
  maxLength: fc.integer({ min: 1, max: 40 }),
  writes: fc.array(write, { maxLength: 3 }),
});

type Abstract = typeof append extends fc.Arbitrary<infer A> ? A : never;

/** The append with its keys in a keyspace. */
export function under(given: Abstract, key: Key): LiveAppend {
  return event(key(given.stream), { ...given, stream: key(given.stream), writes: given.writes.map((w) => w(key)) });
}

/** Appends of one channel and epoch: what a worker appends together. */
export const alike = fc
  .tuple(
    fc.record({
      epoch: fc.constantFrom('e1', 'e1', 'e2'),
      retentionMs: fc.integer({ min: 0, max: 100 }),
      maxLength: fc.integer({ min: 1, max: 40 }),
    }),
    fc.oneof(
      fc
        .tuple(fc.nat(4), fc.array(small, { minLength: 1, maxLength: 80 }))
        .map(([keep, ids]) => ids.map((id) => recent(String(id), keep))),
      fc.array(fc.oneof(small.map(advance), small.map(restart)), { minLength: 1, maxLength: 80 }),
    ),
    fc.nat(60),
    fc.array(append, { minLength: 80, maxLength: 80 }),
  )
  .map(([common, versions, first, appends]) =>
    // the log's order, now and then a step back
    versions.map((v, i) => {
      const one = appends[i]!;
      const offset = BigInt(Math.max(0, first + i - (Number(one.offset) % 9 === 0 ? 5 : 0)));
      return { ...one, ...common, version: v, offset };
    }),
  );

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: alike.map(
      (list): Command =>
        (store, key) =>
          store.append(list.map((a) => under(a, key))),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.array(append, { minLength: 1, maxLength: 40 }).map(
      (appends): Command =>
        (store, key) =>
          store.append(appends.map((a) => under(a, key))),
    ),
  },
  fc.tuple(name, fc.array(write, { maxLength: 3 })).map(
    ([n, writes]): Command =>
      (store, key) =>
        store.put(
          key(n),
          writes.map((w) => w(key)),
        ),
  ),
  fc.tuple(name, fc.nat(200)).map(
    ([n, before]): Command =>
      (store, key) =>
        store.trim(key(n), before),
  ),
  fc.tuple(name, fc.nat(30), fc.nat(30)).map(
    ([n, from, count]): Command =>
      (store, key) =>
        store.read(key(n), BigInt(from), count),
  ),
  fc.tuple(name, fc.nat(1), fc.nat(9)).map(
    ([n, p, next]): Command =>
      (store, key) =>
        store.rememberSource(key(n), p, { epoch: n, next: BigInt(next), catchUpTo: 3n }),
  ),
);

/** A list of commands; those of one list run one after the other. */
export const commands = fc.array(command, { maxLength: 25 });

const NAMES = ['a', 'b', 'c'];

/** Everything a reader can see. */
export async function look(store: LiveStore, key: Key): Promise<unknown> {
  const keys = (kind: string) => NAMES.map((n) => key(`${kind}-${n}`));
  const streams = NAMES.map(key);
  return {
    entries: await Promise.all(streams.map((s) => store.read(s, 0n, 10_000))),
    oldest: await Promise.all(streams.map((s) => store.oldest(s))),
    positions: await store.positions(streams),
    latest: await store.latest(keys('latest')),
    values: await store.values(keys('value')),
    lists: await Promise.all(keys('list').map((k) => store.list(k, 5))),
    fields: await Promise.all(keys('field').map((k) => store.fields(k))),
    sources: await Promise.all(streams.flatMap((s) => [store.sourcePosition(s, 0), store.sourcePosition(s, 1)])),
  };
}

/** Runs the commands on both and compares every answer and the state after each. */
export async function compareStores(
  list: readonly Command[],
  one: LiveStore,
  other: LiveStore,
  key: Key,
): Promise<void> {
  for (const run of list) {
    assert.deepEqual(await run(one, key), await run(other, key));
    assert.deepEqual(await look(one, key), await look(other, key));
  }
}
