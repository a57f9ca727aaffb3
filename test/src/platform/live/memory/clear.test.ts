import { describe } from 'node:test';
import { createMemoryLiveStore } from '../../../../../src/platform/live/memory/store.ts';
import { liveClearContract } from '../clear.contract.ts';

describe('emptying the in-memory live store', () => liveClearContract(async () => createMemoryLiveStore()));
