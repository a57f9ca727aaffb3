import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { pack, unpack } from '../../../../../src/platform/live/memory/pack.ts';
import { type Held, MemoryStream, newLife } from '../../../../../src/platform/live/memory/stream.ts';
import type { StreamEntry } from '../../../../../src/platform/live/store.ts';
import { anyText } from '../../../../support/texts.ts';
import { until } from '../../../../support/until.ts';
import { event } from '../store.fixture.ts';

const RETENTION_MS = 60_000;

/** Entries as alike as events are. */
const payload = (n: number) =>
  JSON.stringify({ exchange: 'BINANCE', symbol: 'BTC-USDT', price: `${58_000 + n}.03`, n });

function filled(count: number, everyMs: number, held: Held = { bytes: 0 }): MemoryStream {
  const stream = new MemoryStream(newLife(), held);
  for (let n = 0; n < count; n++) {
    stream.append(
      event('s', { payload: payload(n), time: n * everyMs, maxLength: 100_000, retentionMs: RETENTION_MS }),
    );
  }
  return stream;
}

describe('a stream of the in-memory live store', () => {
  test('entries come out of a pack as they went in', async () => {
    const text = anyText({ maxLength: 40 });
    const entry = fc.record({
      epoch: fc.constantFrom('a', 'b'),
      payload: fc.oneof(
        text,
        text.map((t) => JSON.stringify({ t }, null, 2)),
      ),
      gap: fc.option(text),
      time: fc.nat(2_000_000_000_000),
      logged: fc.option(fc.nat(2_000_000_000_000)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { minLength: 1, maxLength: 80 }),
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        async (some, first) => {
          const entries: StreamEntry[] = some.map((one, n) => ({ ...one, sequence: first + BigInt(n) }));
          const made = await pack(entries);
          assert.ok(made);
          assert.deepEqual(unpack(made), entries);
        },
      ),
      { numRuns: 50 },
    );
    assert.equal(await pack([]), null);
    const broken: StreamEntry = { epoch: 'a', sequence: 1n, payload: '\ud800', gap: null, time: 1, logged: null };
    assert.equal(await pack([broken]), null);
  });

  test('what is no longer new takes a fraction, and is read as it was', async () => {
    const held: Held = { bytes: 0 };
    const stream = filled(3_000, 10, held);
    const all = stream.read(0n, 5_000);
    const before = stream.size;
    const packedTo = (now: number, size: number) =>
      until('it is packed', () => {
        stream.settle(now);
        return stream.size < size;
      });
    await packedTo(30_000, before / 4);
    assert.equal(held.bytes, stream.size);
    assert.deepEqual(stream.read(0n, 5_000), all);
    // from anywhere, as far as wanted
    await fc.assert(
      fc.property(fc.nat(3_100), fc.nat(700), (after, count) => {
        assert.deepEqual(stream.read(BigInt(after), count), all.slice(after, after + count));
      }),
    );
    // the newest ones too, as time goes by
    await packedTo(90_000, stream.size);
    assert.deepEqual(stream.read(0n, 5_000), all);
  });

  test('packed or not, it says and drops the same', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('append' as const),
        count: fc.integer({ min: 1, max: 150 }),
        everyMs: fc.nat(400),
      }),
      fc.record({
        kind: fc.constant('trim' as const),
        backMs: fc.nat(70_000),
        limit: fc.integer({ min: 1, max: 200 }),
      }),
      fc.record({ kind: fc.constant('shrink' as const) }),
      fc.record({ kind: fc.constant('read' as const), back: fc.nat(400), count: fc.nat(300) }),
      fc.record({ kind: fc.constant('settle' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 40, max: 600 }),
        async (steps, maxLength) => {
          const held: Held = { bytes: 0 };
          const stream = new MemoryStream(newLife(), held);
          let model: StreamEntry[] = [];
          let [now, n] = [1_000_000, 0];
          const trimmed = (before: number, limit: number): number => {
            const kept = model.findIndex(({ time }, at) => at >= limit || time >= before);
            const dropped = kept < 0 ? model.length : kept;
            model = model.slice(dropped);
            return dropped;
          };
          for (const one of steps) {
            if (one.kind === 'append') {
              for (let i = 0; i < one.count; i++) {
                now += one.everyMs;
                const entry = stream.append(
                  event('s', { payload: payload(++n), time: now, retentionMs: RETENTION_MS, maxLength }),
                );
                assert.ok(entry);
                model = [...model, entry].slice(-maxLength);
                trimmed(now - RETENTION_MS, 32);
              }
            } else if (one.kind === 'trim') {
              const wanted = trimmed(now - one.backMs, one.limit);
              assert.equal(stream.trim(now - one.backMs, one.limit), wanted);
            } else if (one.kind === 'shrink') {
              const [before, size] = [model.length, stream.size];
              const dropped = stream.shrink();
              model = model.slice(dropped);
              assert.ok(before === 0 || model.length > 0);
              assert.ok(stream.size <= size * 0.75 || model.length <= 1);
            } else if (one.kind === 'read') {
              const after = BigInt(Math.max(0, n - one.back));
              const wanted = model.filter(({ sequence }) => sequence > after).slice(0, one.count);
              assert.deepEqual(stream.read(after, one.count), wanted);
            } else {
              stream.settle(now);
              // a pack may come at any moment, also of what was dropped meanwhile
              if (n % 2) await new Promise((done) => setTimeout(done, 2));
            }
            assert.equal(stream.oldest, model[0]?.sequence ?? null);
            assert.equal(held.bytes, stream.size);
          }
          assert.deepEqual(stream.read(0n, 10_000), model);
        },
      ),
      { numRuns: 150 },
    );
  });
});
