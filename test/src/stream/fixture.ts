/** A small schema on the live core: a stream with a newest state, one without, and a book. */
import assert from 'node:assert/strict';
import { buildSchema, type ExecutionResult, type GraphQLFieldResolver, parse, validate } from 'graphql';
import type { SlowConsumerPolicy } from '../../../schema/channels.ts';
import { decodeCursor } from '../../../schema/cursor.ts';
import type { BookLevel } from '../../../schema/market.ts';
import { readConfig } from '../../../src/platform/config.ts';
import type { LiveStore } from '../../../src/platform/live/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import { BookMirror } from '../../../src/stream/book-mirror.ts';
import { type BookChange, BookModel, bookWindow, mergeBookChanges } from '../../../src/stream/book-view.ts';
import { resolveEvent } from '../../../src/stream/cohort.ts';
import { type LiveCore, startLiveCore } from '../../../src/stream/core.ts';
import type { Gap } from '../../../src/stream/delivery.ts';
import { liveSource } from '../../../src/stream/source.ts';
import { NewestEvent, NoState, nextEvents, type Question, wholeEvents } from '../../../src/stream/view.ts';
import { append } from '../../resolvers/samples.ts';
import { follow, type TestOutlet } from '../../support/outlet.ts';

export const ID = 'binance:BTC-USDT';
export const KEY = 'ticker:{BTC}';
export const BOOK_KEY = 'orderbook:{BTC}';

export interface Tick {
  n: number;
  /** What tells two ticks of the channel of trades apart. */
  tradeId: string;
  eventTime: number;
}

/** An event as a client of this schema sees it. */
export interface Seen {
  n: number;
  cursor: string;
  sequence: string;
  start: string | null;
  gap: Gap | null;
}

export interface SeenBook extends Omit<Seen, 'n'>, BookChange {}

const SDL = `
  type Query { nothing: Int }
  type Gap { missed: Int reason: String }
  type Tick { n(times: Int! = 1): Int cursor: String sequence: String start: String gap: Gap self: Tick many: [Tick] }
  type Book { cursor: String sequence: String start: String gap: Gap snapshot: Boolean bids: [[String]] asks: [[String]]
    checksum: String time: Float }
  type Subscription {
    state(market: String, after: String, throttleMs: Int = 0, onSlow: String = "CONFLATE"): Tick
    happenings(market: String, after: String, onSlow: String = "DROP_WITH_GAP"): Tick
    some(rest: String, least: String, after: String, onSlow: String = "DROP_WITH_GAP"): Tick
    book(depth: Int = 5, after: String, throttleMs: Int = 0, onSlow: String = "CONFLATE"): Book
  }
`;
const TICK = '{ n cursor sequence start gap { missed reason } }';
const DOCUMENTS = {
  state: `subscription ($after: String, $onSlow: String = "CONFLATE", $throttleMs: Int = 0) {
    state(after: $after, onSlow: $onSlow, throttleMs: $throttleMs) ${TICK} }`,
  happenings: `subscription ($after: String, $onSlow: String = "DROP_WITH_GAP") {
    happenings(after: $after, onSlow: $onSlow) ${TICK} }`,
  some: `subscription ($after: String, $rest: String, $least: String, $onSlow: String = "DROP_WITH_GAP") {
    some(after: $after, rest: $rest, least: $least, onSlow: $onSlow) ${TICK} }`,
  book: `subscription ($after: String, $onSlow: String = "CONFLATE", $depth: Int = 5, $throttleMs: Int = 0) {
    book(after: $after, onSlow: $onSlow, depth: $depth, throttleMs: $throttleMs)
    { cursor sequence start gap { missed reason } snapshot bids asks checksum time } }`,
};

const state: Question<Tick, NewestEvent<Tick>, Tick> = {
  field: 'state',
  channel: 'ticker',
  id: ID,
  latestKey: KEY,
  view: 'all',
  createModel: () => new NewestEvent<Tick>(),
  createView: wholeEvents,
  contentOf: (tick) => tick,
  // every third is about itself alone
  mergeKey: ({ n }) => (n % 3 === 0 ? null : String(n % 3)),
};
const happenings: Question<Tick, NoState<Tick>, Tick> = {
  ...state,
  field: 'happenings',
  channel: 'trade',
  latestKey: null,
  createModel: () => new NoState<Tick>(),
  createView: nextEvents,
  mergeKey: () => null,
};
/** Those ticks whose `n` leaves `rest` when divided by ten, and that are at least `least`. */
const some = ({ rest, least }: Args): Question<Tick, NoState<Tick>, Tick> => ({
  ...happenings,
  field: 'some',
  filter: {
    keys: { equal: { rest: ({ n }) => String(n % 10) }, figure: ({ n }) => String(n) },
    wanted: { equal: rest ? { rest } : {}, atLeast: least ?? null },
  },
});
const book = (depth: number) => ({
  field: 'book',
  channel: 'orderbook' as const,
  id: ID,
  latestKey: BOOK_KEY,
  view: `depth ${depth}`,
  createModel: () => new BookModel(),
  createView: (model: BookModel) => bookWindow(model, depth),
  contentOf: (change: BookChange) => change,
  mergeKey: () => 'book',
  merge: mergeBookChanges,
  createMirror: () => new BookMirror(),
});

interface Args {
  after?: string | null;
  onSlow: SlowConsumerPolicy;
  depth: number;
  throttleMs: number;
  rest?: string;
  least?: string;
}
const cursorOf = ({ after }: Args) => (after ? decodeCursor(after) : null);
const SOURCES: Record<string, GraphQLFieldResolver<unknown, unknown, Args>> = {
  state: (_, args) => liveSource(state, cursorOf(args), args.onSlow, args.throttleMs),
  happenings: (_, args) => liveSource(happenings, cursorOf(args), args.onSlow),
  some: (_, args) => liveSource(some(args), cursorOf(args), args.onSlow),
  book: (_, args) => liveSource(book(args.depth), cursorOf(args), args.onSlow, args.throttleMs),
};

/** Executions of `n` so far, over all cores. */
export const executed = { n: 0 };

export function tickSchema() {
  const schema = buildSchema(SDL);
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    field.subscribe = SOURCES[field.name];
    field.resolve = resolveEvent;
  }
  const tick = schema.getType('Tick');
  assert.ok(tick && 'getFields' in tick);
  const n = tick.getFields().n;
  assert.ok(n && 'resolve' in n);
  n.resolve = (one: Tick, { times }: { times: number }) => {
    executed.n += 1;
    return one.n * times;
  };
  return schema;
}
const schema = tickSchema();

export interface Variables {
  after?: string;
  onSlow?: SlowConsumerPolicy;
  depth?: number;
  throttleMs?: number;
  rest?: string;
  least?: string;
}

export interface World {
  core: LiveCore;
  follow(
    field: keyof typeof DOCUMENTS,
    variables?: Variables,
    outlet?: TestOutlet,
  ): Promise<{
    outlet: TestOutlet;
    /** The next event. Rejects with the error in its place, or that the subscription ended in. */
    next<T = Seen>(): Promise<T>;
    raw(): Promise<IteratorResult<ExecutionResult, undefined>>;
    stop(): Promise<unknown>;
  }>;
}

/** The core on a store. */
export function coreOn(live: LiveStore, env: NodeJS.ProcessEnv = {}): World {
  const platform = { live, log: createLog('silent'), config: readConfig(env) };
  const core = startLiveCore({ platform, contextOf: () => ({}) });
  return {
    core,
    async follow(field, variables = {}, outlet) {
      const document = parse(DOCUMENTS[field]);
      assert.deepEqual(validate(schema, document), []);
      const caller = { role: 'reader', local: false } as const;
      const followed = await follow(core, { schema, document, variableValues: { ...variables }, caller, outlet });
      return {
        ...followed,
        async next<T>() {
          const { value } = await followed.raw();
          if (value?.errors?.[0]) throw value.errors[0];
          assert.ok(value?.data, 'the subscription ended');
          return value.data[field] as T;
        },
      };
    },
  };
}

/** Event `n` of the stream with a newest state or the one without. */
export const tick = (channel: 'ticker' | 'trade', n: number, gap?: Gap) =>
  append(channel, ID, { n, tradeId: String(n), eventTime: n } satisfies Tick, {
    ...(channel === 'ticker' && { key: KEY }),
    ...(gap && { gap: JSON.stringify(gap) }),
  });

/** A change of the book, with the book after it. */
export function bookAppend(n: number, change: { bids: BookLevel[]; asks: BookLevel[] }, latest: typeof change) {
  const common = { exchange: 'BINANCE', symbol: 'BTC-USDT', integrity: 'SEQUENCED', receivedAt: 0 } as const;
  const stamps = { ...common, sequence: String(n), eventTime: n };
  const event = { ...stamps, ...change, type: 'delta', previousSequence: null };
  return append('orderbook', ID, event, { key: BOOK_KEY, latest: { ...stamps, ...latest } });
}
