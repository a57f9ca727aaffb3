import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import type { Delivery } from '../../../src/stream/delivery.ts';
import { Throttle } from '../../../src/stream/throttle.ts';
import { THROTTLE_STEPS, throttleStep, Wheel } from '../../../src/stream/wheel.ts';
import { TestOutlet } from '../../support/outlet.ts';
import { until } from '../../support/until.ts';
import { bookAppend, coreOn, executed, type SeenBook, tick } from './fixture.ts';

describe('steps', () => {
  test('a wish is rounded up to the next step, 0 is every event', () => {
    const rounded = [0, 1, 50, 51, 250, 251, 999, 30_001, 60_000, 99_999].map(throttleStep);
    assert.deepEqual(rounded, [0, 50, 50, 100, 250, 500, 1_000, 60_000, 60_000, 60_000]);
  });

  test('the beats of one step fall together, those of a greater one on every so many of a smaller', async () => {
    const wheel = new Wheel();
    const turns: string[][] = [];
    let current: string[] | null = null;
    const called = (name: string) => () => {
      if (!current) {
        current = [];
        turns.push(current);
        setImmediate(() => {
          current = null;
        });
      }
      current.push(name);
    };
    wheel.next(100, called('a'));
    wheel.next(100, called('b'));
    await new Promise((done) => setTimeout(done, 5));
    wheel.next(100, called('c'));
    await until('the beat', () => turns.flat().length === 3);
    assert.deepEqual(turns, [['a', 'b', 'c']]);
    wheel.next(50, called('later'));
    wheel.stop();
    assert.ok(THROTTLE_STEPS.every((step) => step % 50 === 0));
  });
});

/** A throttle whose beat is in the test's hand. */
function held(mergeKey: (body: number) => string | null) {
  const told: Delivery<unknown>[] = [];
  const beats: (() => void)[] = [];
  const wheel = { next: (_: number, call: () => void) => beats.push(call) } as unknown as Wheel;
  const listener = {
    deliver: (one: Delivery<unknown>) => told.push(one),
    missing() {},
    reset() {},
    stalled() {},
    end() {},
  };
  const throttle = new Throttle(listener as never, {
    step: 100,
    wheel,
    question: { mergeKey: mergeKey as (body: unknown) => string | null },
  });
  const delivery = (stream: string, sequence: number, body = sequence, missed = 0): Delivery<unknown> => ({
    stream,
    at: { epoch: 'e1', sequence: BigInt(sequence) },
    cursor: `${stream}:${sequence}`,
    gap: missed ? { missed, reason: 'FEED_GAP' } : null,
    body,
    eventTime: 1,
    logged: null,
  });
  const beat = (): void => {
    for (const call of beats.splice(0)) call();
  };
  return { throttle, told, delivery, beat };
}

describe('between two beats', () => {
  test('the newest of each stream is told with what it stands for, once', () => {
    const { throttle, told, delivery, beat } = held(() => 'all');
    for (const [stream, sequence] of [
      ['a', 1],
      ['b', 7],
      ['a', 2],
      ['a', 3],
      ['b', 8],
    ] as const) {
      throttle.deliver(delivery(stream, sequence));
    }
    assert.equal(told.length, 0);
    beat();
    beat();
    assert.deepEqual(
      told.map(({ cursor, gap, from }) => [cursor, gap?.missed ?? 0, gap?.reason ?? null, from]),
      [
        ['a:3', 2, 'THROTTLED', 0n],
        ['b:8', 1, 'THROTTLED', 6n],
      ],
    );
  });

  test('what nothing may replace is told whole, and a loss lets everything out before it', () => {
    const { throttle, told, delivery, beat } = held((n) => (n % 10 === 0 ? null : String(Math.floor(n / 10))));
    for (const n of [8, 9, 10, 11, 12]) throttle.deliver(delivery('a', n));
    beat();
    assert.deepEqual(
      told.map(({ at, gap }) => [Number(at.sequence), gap?.missed ?? 0]),
      [
        [9, 1],
        [10, 0],
        [12, 1],
      ],
    );
    throttle.deliver(delivery('a', 13));
    throttle.deliver(delivery('a', 16, 16, 2));
    assert.deepEqual(
      told.slice(3).map(({ at, gap }) => [Number(at.sequence), gap?.missed ?? 0]),
      [
        [13, 0],
        [16, 2],
      ],
    );
  });

  test('is bounded', () => {
    const { throttle, told, delivery } = held(() => null);
    for (let n = 1; n <= 2_500; n++) throttle.deliver(delivery('a', n));
    assert.equal(told.length, 2_000);
  });
});

describe('subscribers', () => {
  test('of one rate share the merged event: one execution for a thousand, the last value always there', async () => {
    const live = createMemoryLiveStore();
    await live.append([tick('ticker', 1)]);
    const { core, follow } = coreOn(live);
    const all = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => follow('state', { throttleMs: i % 2 ? 60 : 100 }, new TestOutlet())),
    );
    assert.equal(core.cohorts, 1, '60 and 100 are the same rate');
    await until('the state', () => all.every(({ outlet }) => outlet.frames.length === 1));
    executed.n = 0;
    // n modulo 3 is what the events are about: the third kind is never merged
    for (const n of [4, 7, 10, 13]) await live.append([tick('ticker', n)]);
    const [one] = all as [(typeof all)[0]];
    await one.next();
    const { n, sequence, start, gap } = await one.next();
    assert.deepEqual(
      { n, sequence, start, gap },
      { n: 13, sequence: '5', start: null, gap: { missed: 3, reason: 'THROTTLED' } },
    );
    await until('everybody', () => all.every(({ outlet }) => outlet.frames.length === 2));
    assert.equal(executed.n, 1);
    await core.stop();
  });

  test('one that comes back twice between two beats is told at the beat what is new to it', async () => {
    const throttleMs = 1_000;
    const live = createMemoryLiveStore();
    const { core, follow } = coreOn(live, { RESUME_BUFFER_EVENTS: '5' });
    const append = (n: number) =>
      live.append([bookAppend(n, { bids: [['10', String(n)]], asks: [] }, { bids: [['10', String(n)]], asks: [] })]);
    await append(1);
    const staying = await follow('book', { throttleMs }, new TestOutlet());
    const { cursor } = await staying.next<SeenBook>();
    const unthrottled = await follow('book', {}, new TestOutlet());
    const appendAndTell = async (from: number, to: number): Promise<void> => {
      for (let n = from; n <= to; n++) await append(n);
      await until('it to be told', () => unthrottled.outlet.frames.length === to);
    };
    await until('a beat', () => performance.now() % throttleMs < 100, { timeoutMs: 2 * throttleMs, everyMs: 5 });
    await appendAndTell(2, 5);
    const first = await follow('book', { throttleMs, after: cursor }, new TestOutlet());
    const seen: SeenBook[] = [];
    for (let n = 2; n <= 5; n++) seen.push(await first.next<SeenBook>());
    assert.deepEqual(
      seen.map(({ sequence, gap }) => [sequence, gap]),
      ['2', '3', '4', '5'].map((sequence) => [sequence, null]),
    );
    await first.stop();
    const second = await follow('book', { throttleMs, after: seen.at(-1)?.cursor }, new TestOutlet());
    await appendAndTell(6, 9);
    // the beat is one event for everybody; what each of them is told to have missed is his own
    const { gap, bids, ...last } = await second.next<SeenBook>();
    assert.deepEqual([last.sequence, last.start, bids], ['9', 'RESUMED', [['10', '9']]]);
    assert.deepEqual(gap, { missed: 3, reason: 'THROTTLED' });
    const { sequence, gap: missed } = await staying.next<SeenBook>();
    assert.deepEqual([sequence, missed], ['9', { missed: 7, reason: 'THROTTLED' }]);
    await core.stop();
  });

  test('received and told as missed is what was produced, whoever joins, comes back or reads slowly', {
    timeout: 60_000,
  }, async () => {
    type Step = ['append' | 'join' | 'back' | 'wait' | 'slow', number];
    async function hold(steps: readonly Step[]): Promise<void> {
      const live = createMemoryLiveStore();
      const { core, follow } = coreOn(live, { RESUME_BUFFER_EVENTS: '5' });
      const book = new Map<string, string>();
      let n = 0;
      const append = async (): Promise<void> => {
        n += 1;
        const level: [string, string] = [String(10 + (n % 7)), String(n)];
        book.set(...level);
        const bids = [...book].sort(([a], [b]) => Number(b) - Number(a)) as [string, string][];
        await live.append([bookAppend(n, { bids: [level], asks: [] }, { bids, asks: [] })]);
      };
      await append();
      interface Copy {
        followed: Awaited<ReturnType<typeof follow>> | null;
        levels: Map<string, string>;
        last: number | null;
        cursor: string;
        failed: unknown;
      }
      const copies: Copy[] = [];
      const watch = (copy: Copy): void => {
        const { followed } = copy;
        void (async () => {
          while (followed) {
            const { value, done } = await followed.raw();
            if (done || copy.followed !== followed) return;
            const event = value?.data?.book as SeenBook;
            const missed = event.gap?.missed ?? 0;
            const repeats = event.start === 'RESET' && Number(event.sequence) === copy.last;
            if (copy.last !== null && !repeats) assert.equal(Number(event.sequence), copy.last + 1 + missed);
            if (event.snapshot) copy.levels.clear();
            for (const [price, quantity] of event.bids) {
              if (quantity === '0') copy.levels.delete(price);
              else copy.levels.set(price, quantity);
            }
            copy.last = Number(event.sequence);
            copy.cursor = event.cursor;
          }
        })().catch((error) => {
          copy.failed ??= error;
        });
      };
      const join = async (): Promise<void> => {
        const followed = await follow('book', { throttleMs: 50 }, new TestOutlet());
        const copy: Copy = { followed, levels: new Map(), last: null, cursor: '', failed: null };
        copies.push(copy);
        watch(copy);
      };
      await join();
      for (const [what, count] of steps) {
        if (what === 'append') for (let i = 0; i < count; i++) await append();
        else if (what === 'join') await join();
        else if (what === 'wait') await new Promise((done) => setTimeout(done, count * 8));
        else {
          const copy = copies[count % copies.length] as Copy;
          if (what === 'slow') {
            const outlet = copy.followed?.outlet as TestOutlet;
            outlet.room = 0;
            setTimeout(() => outlet.read(1_000), 20 * count);
          } else if (copy.cursor) {
            // what comes after the cursor it comes back with is nothing that it has
            const { followed } = copy;
            copy.followed = null;
            await followed?.stop();
            copy.followed = await follow('book', { throttleMs: 50, after: copy.cursor }, new TestOutlet());
            watch(copy);
          }
        }
      }
      await until('the newest for everybody', () => copies.every(({ last, failed }) => failed || last === n));
      for (const { levels, failed } of copies) {
        if (failed) throw failed;
        assert.deepEqual(
          [...levels].sort(),
          [...book]
            .sort(([a], [b]) => Number(b) - Number(a))
            .slice(0, 5)
            .sort(),
        );
      }
      await core.stop();
      await live.close();
    }
    const what = fc.constantFrom('append', 'join', 'back', 'wait', 'slow');
    const steps = fc.array(fc.tuple(what, fc.integer({ min: 1, max: 6 })), { minLength: 5, maxLength: 25 });
    // each of them mostly waits for beats: some at a time
    const some = fc.array(steps, { minLength: 5, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(some, async (all) => void (await Promise.all((all as Step[][]).map(hold)))),
      { numRuns: 5 },
    );
  });
});
