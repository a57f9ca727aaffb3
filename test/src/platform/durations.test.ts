import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Durations } from '../../../src/platform/durations.ts';

test('a bucket counts what took at most so long, and so do those above it', () => {
  const bounds = fc
    .uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1 })
    .map((all) => all.sort((a, b) => a - b));
  const took = fc.array(fc.integer({ min: 0, max: 60 }));
  fc.assert(
    fc.property(bounds, took, (les, all) => {
      const durations = new Durations(les);
      for (const one of all) durations.observe(one);
      const sum = all.reduce((before, one) => before + one, 0);
      assert.deepEqual(durations.observed(), [
        ...les.map((le) => ({ suffix: '_bucket', le, value: all.filter((one) => one <= le).length })),
        { suffix: '_bucket', le: '+Inf', value: all.length },
        { suffix: '_sum', value: sum },
        { suffix: '_count', value: all.length },
      ]);
    }),
  );
});
