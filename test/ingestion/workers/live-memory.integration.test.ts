import { describe, test } from 'node:test';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { publishThroughFailures } from './live-failures.ts';

describe('the worker live on a live store that fails', () => {
  for (const seed of [1, 2, 3]) {
    test(`nothing is published twice and nothing is missing (seed ${seed})`, () =>
      publishThroughFailures(createMemoryLiveStore(), seed));
  }
});
