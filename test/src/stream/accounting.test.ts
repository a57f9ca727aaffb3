/**
 * Whatever happens to a client, what it received and what it was told to have missed is what was produced, once and in
 * order. The check knows nothing of queues, cohorts or pages: it counts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SlowConsumerPolicy } from '../../../schema/channels.ts';
import type { BookLevel } from '../../../schema/market.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { bookChecksum } from '../../../src/stream/book-view.ts';
import { TestOutlet } from '../../support/outlet.ts';
import { bookAppend, coreOn, type Seen, type SeenBook, tick, type World } from './fixture.ts';

type Step = ['append', number] | ['turn'] | ['read', number, number] | ['cut', number] | ['trim'];
const POLICIES: readonly SlowConsumerPolicy[] = ['CONFLATE', 'DROP_WITH_GAP', 'DISCONNECT'];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('append' as const), fc.integer({ min: 1, max: 12 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('turn' as const)) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant('read' as const), fc.nat({ max: 2 }), fc.integer({ min: 1, max: 9 })),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('cut' as const), fc.nat({ max: 2 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('trim' as const)) },
);

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((done) => setImmediate(done));
};

/** One client over all its connections. */
class Client<Event extends Pick<Seen, 'cursor'>> {
  cursor: string | null = null;
  private followed: Awaited<ReturnType<World['follow']>> | null = null;
  private outlet = new TestOutlet();
  private read = 0;
  private error: { extensions?: Record<string, unknown> } | null = null;

  constructor(
    private readonly world: World,
    private readonly field: 'state' | 'happenings' | 'book',
    private readonly onSlow: SlowConsumerPolicy,
    private readonly see: (event: Event, at: 'first' | 'next') => void,
    private readonly begin: () => void,
  ) {}

  async connect(room: number): Promise<void> {
    this.outlet = new TestOutlet();
    this.outlet.room = room;
    this.read = 0;
    this.error = null;
    const after = this.cursor ?? undefined;
    if (!after) this.begin();
    const followed = await this.world.follow(this.field, { onSlow: this.onSlow, after }, this.outlet);
    this.followed = followed;
    const watch = async (): Promise<void> => {
      for (;;) {
        const { value, done } = await followed.raw();
        if (done || this.followed !== followed) return;
        assert.ok(value?.data, JSON.stringify(value));
        const event = value.data[this.field] as Event;
        this.see(event, this.read === 0 ? 'first' : 'next');
        this.read += 1;
        this.cursor = event.cursor;
      }
    };
    this.ending = watch().catch((error) => {
      if (error instanceof assert.AssertionError) this.failure = error;
      this.error = error;
    });
  }
  ending: Promise<void> = Promise.resolve();
  failure: Error | null = null;

  /** Takes so many frames more; where the subscription has ended, comes back. */
  async take(frames: number): Promise<void> {
    this.outlet.read(frames);
    await turns(3);
    if (this.failure) throw this.failure;
    if (!this.error) return;
    const { code, cursor } = this.error.extensions ?? {};
    if (code === 'CURSOR_EXPIRED') this.cursor = null;
    else assert.deepEqual([code, cursor], ['SLOW_CONSUMER', this.cursor], String(this.error));
    await this.connect(frames);
  }

  async cut(): Promise<void> {
    // what was sent has arrived
    await turns(2);
    const { followed } = this;
    this.followed = null;
    await followed?.stop();
    if (this.failure) throw this.failure;
    await this.connect(3);
  }
}

async function drain(clients: readonly Client<never>[], isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200 && !(await isDone()); i++) {
    for (const client of clients) await client.take(50);
    await turns(2);
  }
  for (const client of clients) if (client.failure) throw client.failure;
}

test('received and told as missed is what was produced, whoever is slow, cut off or late', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.constantFrom('state' as const, 'happenings' as const),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 8 }),
      async (steps, field, queue, remembered) => {
        const live = createMemoryLiveStore();
        const world = coreOn(live, { MAX_SUBSCRIBER_QUEUE: String(queue), RESUME_BUFFER_EVENTS: String(remembered) });
        const channel = field === 'state' ? 'ticker' : 'trade';
        let produced = 0;
        const append = async (count: number, maxLength = 10_000): Promise<void> => {
          for (let i = 0; i < count; i++) {
            produced += 1;
            await live.append([{ ...tick(channel, produced), maxLength }]);
          }
        };
        const last: (number | null)[] = [];
        const clients = POLICIES.map((policy, i) => {
          last[i] = null;
          return new Client<Seen>(
            world,
            field,
            policy,
            (event, at) => {
              const before = last[i] ?? null;
              const missed = event.gap ? event.gap.missed : 0;
              assert.equal(String(event.n), event.sequence);
              assert.equal(at === 'first', event.start !== null && (at === 'first' || event.start !== 'RESET'));
              assert.notEqual(missed, null, 'the number can be known');
              // a reset may repeat the state that was seen last
              const repeats = event.start === 'RESET' && missed === 0 && event.n === before;
              if (before !== null && !repeats) assert.equal(event.n, before + 1 + (missed as number));
              last[i] = event.n;
            },
            () => {
              last[i] = null;
            },
          );
        });
        await append(2);
        for (const client of clients) await client.connect(3);
        for (const one of steps) {
          if (one[0] === 'append') await append(one[1]);
          else if (one[0] === 'turn') await turns(1);
          else if (one[0] === 'read') await clients[one[1]]?.take(one[2]);
          else if (one[0] === 'cut') await clients[one[1]]?.cut();
          else await append(1, 2);
        }
        await append(1);
        await drain(clients as unknown as Client<never>[], async () => {
          // one whose cursor expired begins with the next event
          if (last.includes(null)) await append(1);
          return last.every((n) => n === produced);
        });
        assert.deepEqual(last, [produced, produced, produced]);
        await world.core.stop();
        await live.close();
      },
    ),
    { numRuns: 150 },
  );
});

test('a copy of a book is right after every event, whoever is slow or cut off', { timeout: 60_000 }, async () => {
  const change = fc.record({
    bids: fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 3 })), { maxLength: 4 }),
    asks: fc.array(fc.tuple(fc.integer({ min: 20, max: 32 }), fc.integer({ min: 0, max: 3 })), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(change, change, step), { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, queue) => {
        const live = createMemoryLiveStore();
        const world = coreOn(live, { MAX_SUBSCRIBER_QUEUE: String(queue), RESUME_BUFFER_EVENTS: '4' });
        const book = { bids: new Map<string, string>(), asks: new Map<string, string>() };
        const sorted = (side: Map<string, string>, sign: number): BookLevel[] =>
          [...side].sort(([a], [b]) => sign * (Number(a) - Number(b)));
        let produced = 0;
        const push = async (given: { bids: number[][]; asks: number[][] }): Promise<void> => {
          produced += 1;
          const text = (levels: number[][]) =>
            [...new Map(levels.map(([p, q]) => [String(p), String(q)]))] as BookLevel[];
          const one = { bids: text(given.bids), asks: text(given.asks) };
          for (const side of ['bids', 'asks'] as const) {
            for (const [price, quantity] of one[side]) {
              if (quantity === '0') book[side].delete(price);
              else book[side].set(price, quantity);
            }
          }
          await live.append([bookAppend(produced, one, { bids: sorted(book.bids, -1), asks: sorted(book.asks, 1) })]);
        };
        const last: number[] = [];
        const clients = POLICIES.map((policy, i) => {
          const copy = { bids: new Map<string, string>(), asks: new Map<string, string>() };
          return new Client<SeenBook>(
            world,
            'book',
            policy,
            (event) => {
              for (const side of ['bids', 'asks'] as const) {
                if (event.snapshot) copy[side].clear();
                for (const [price, quantity] of event[side]) {
                  if (quantity === '0') copy[side].delete(price);
                  else copy[side].set(price, quantity);
                }
              }
              assert.equal(event.checksum, bookChecksum(sorted(copy.bids, -1), sorted(copy.asks, 1)), event.sequence);
              last[i] = Number(event.sequence);
            },
            () => {},
          );
        });
        await push({ bids: [[1, 1]], asks: [[20, 1]] });
        for (const client of clients) await client.connect(3);
        for (const one of steps) {
          if (!Array.isArray(one)) await push(one);
          else if (one[0] === 'turn') await turns(1);
          else if (one[0] === 'read') await clients[one[1]]?.take(one[2]);
          else if (one[0] === 'cut') await clients[one[1]]?.cut();
        }
        await push({ bids: [[2, 2]], asks: [] });
        await drain(clients as unknown as Client<never>[], () => last.every((n) => n === produced));
        assert.deepEqual(last, [produced, produced, produced]);
        await world.core.stop();
      },
    ),
    { numRuns: 150 },
  );
});
