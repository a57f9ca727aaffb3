import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Held, MemoryPartition } from '../../../../../src/platform/broker/memory/log.ts';

const MAX_BYTES = 60_000;
const keep = { retentionMs: 1_000, maxBytes: MAX_BYTES, compacted: false };

describe('a partition of the log in memory', () => {
  const message = fc.record({
    key: fc.option(fc.constantFrom('BTC', 'ETH', 'SOL')),
    length: fc.oneof(fc.nat(300), fc.nat(5_000), fc.integer({ min: 15_000, max: 40_000 })),
    headers: fc.option(fc.constant({ kind: 'frame', connection: 'binance-1' }), { nil: undefined }),
    isNull: fc.boolean(),
  });

  test('holds no more than its bound, and what it holds as it was written', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 120 }), fc.boolean(), (messages, compacted) => {
        const held: Held = { bytes: 0 };
        const partition = new MemoryPartition({ ...keep, compacted }, held);
        const written = messages.map(({ key, length, headers, isNull }, n) => {
          // cut from a slab, as the values of small messages are
          const value = isNull && n % 7 === 0 ? null : Buffer.alloc(length * 3, n).subarray(length, length * 2);
          partition.append({ key, value, ...(headers && { headers }) }, 1_000 + n);
          assert.ok(partition.bytes <= MAX_BYTES, `${partition.bytes} bytes`);
          assert.equal(held.bytes, partition.bytes);
          return { key, value: value && Buffer.from(value), headers: headers ?? {}, timestamp: 1_000 + n };
        });
        let least = 0;
        for (const { offset, ...read } of partition.read(partition.low, 1_000)) {
          assert.deepEqual(read, written[Number(offset)]);
          least += (read.value?.length ?? 0) + 200;
        }
        assert.ok(least <= partition.bytes);
        assert.equal(partition.high, BigInt(messages.length));
      }),
      { numRuns: 200 },
    );
  });

  test('a small value does not keep the slab alive that it was cut from, a large one stays where it is', () => {
    const partition = new MemoryPartition(keep);
    const slab = Buffer.alloc(1_000_000, 1);
    partition.append({ key: null, value: slab.subarray(10, 20) }, 0);
    partition.append({ key: null, value: slab.subarray(10, 20_010) }, 0);
    const large = Buffer.alloc(20_000, 2);
    partition.append({ key: null, value: large }, 0);
    const [small, cut, whole] = partition.read(0n, 3).map(({ value }) => value);
    assert.ok(small && cut && whole);
    assert.deepEqual([small, cut], [slab.subarray(10, 20), slab.subarray(10, 20_010)]);
    assert.ok(small.buffer.byteLength <= 65_536);
    assert.equal(cut.buffer.byteLength, 20_000);
    assert.equal(whole.buffer, large.buffer);
  });

  test('it makes room by its oldest messages, to the last one', () => {
    const held: Held = { bytes: 0 };
    const partition = new MemoryPartition(keep, held);
    for (let n = 0; n < 40; n++) partition.append({ key: null, value: Buffer.from(`${n}`) }, n);
    assert.equal(partition.shrink(40n), 11);
    assert.deepEqual([partition.low, partition.high], [11n, 40n]);
    assert.equal(String(partition.read(0n, 1)[0]?.value), '11');
    assert.deepEqual([partition.shrink(5n), partition.shrink(13n)], [0, 2]);
    assert.ok(Math.abs(partition.bytesBefore(26n) - held.bytes / 2) < 250);
    for (let n = 0; n < 30; n++) partition.shrink(40n);
    assert.deepEqual([partition.low, held.bytes], [40n, 0]);
  });

  test('where the newest of a key is kept, repeats go first', () => {
    const partition = new MemoryPartition({ ...keep, compacted: true });
    for (let n = 0; n < 100; n++) partition.append({ key: `k${n % 3}`, value: Buffer.from(`${n}`) }, n);
    assert.equal(partition.shrink(100n), 0);
    assert.deepEqual(
      partition.read(0n, 100).map(({ value }) => String(value)),
      ['97', '98', '99'],
    );
  });
});
