/** What the live store's suites share: appends with every field filled in, and a tail that records what it is told. */
import { randomUUID } from 'node:crypto';
import type {
  LiveAppend,
  LiveStore,
  LiveTail,
  LiveWrite,
  StreamEntry,
  StreamPosition,
} from '../../../../src/platform/live/store.ts';

/** A store under test. */
export type OpenStore = () => Promise<LiveStore>;

/** Key names of one test: all in one cluster slot, met by no other test on a shared server. */
export function keyspace(): (name: string) => string {
  const tag = randomUUID();
  return (name) => `test:{${tag}}:${name}`;
}

let offsets = 0n;

/** An append that nothing calls a repeat, unless `fields` says otherwise. */
export function event(stream: string, fields: Partial<LiveAppend> = {}): LiveAppend {
  offsets += 1n;
  return {
    stream,
    epoch: 'e1',
    offset: offsets,
    version: { kind: 'recent', id: `id-${offsets}`, keep: 1_000 },
    payload: JSON.stringify({ n: String(offsets) }),
    time: 1_000_000,
    retentionMs: 60_000,
    maxLength: 1_000,
    writes: [],
    ...fields,
  };
}

export function recent(id: string, keep = 1_000): LiveAppend['version'] {
  return { kind: 'recent', id, keep };
}

export function advance(rank: number): LiveAppend['version'] {
  return { kind: 'advance', rank: String(rank).padStart(30, '0') };
}

export function restart(rank: number): LiveAppend['version'] {
  return { kind: 'restart', rank: String(rank).padStart(30, '0') };
}

export function latestWrite(key: string, value: string): LiveWrite {
  return { kind: 'latest', key, value };
}

/** Appends and returns the sequences as numbers, null for repeats. */
export async function appendAll(store: LiveStore, appends: readonly LiveAppend[]): Promise<(number | null)[]> {
  const results = await store.append(appends);
  return results.map(({ sequence }) => (sequence === null ? null : Number(sequence)));
}

/** Sequences of everything in the stream. */
export async function sequencesOf(store: LiveStore, stream: string): Promise<number[]> {
  return (await store.read(stream, 0n, 100_000)).map((entry) => Number(entry.sequence));
}

interface Loss {
  stream: string;
  now: StreamPosition | null;
}

export class Recorder {
  readonly tail: LiveTail;
  readonly entries: { stream: string; entry: StreamEntry }[] = [];
  readonly losses: Loss[] = [];
  readonly interruptions: Error[] = [];
  resumptions = 0;
  private changed: () => void = () => {};

  constructor(store: LiveStore) {
    this.tail = store.tail({
      entries: (stream, entries) => {
        for (const entry of entries) this.entries.push({ stream, entry });
        this.changed();
      },
      lost: (stream, now) => {
        this.losses.push({ stream, now });
        this.changed();
      },
      interrupted: (error) => {
        this.interruptions.push(error);
        this.changed();
      },
      resumed: () => {
        this.resumptions++;
        this.changed();
      },
    });
  }

  /** Sequences delivered of one stream, in order of delivery. */
  sequences(stream: string): number[] {
    return this.entries.filter((e) => e.stream === stream).map((e) => Number(e.entry.sequence));
  }

  /** Resolves as soon as the condition holds after something was told. Rejects after `ms`. */
  until(condition: () => boolean, ms = 10_000): Promise<void> {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => {
        this.changed = () => {};
        const told = `${this.entries.length} entries, ${this.losses.length} losses, ${this.interruptions.length} interruptions`;
        fail(new Error(`not within ${ms} ms: ${condition}; told ${told}`));
      }, ms);
      this.changed = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.changed = () => {};
        done();
      };
      this.changed();
    });
  }
}

/** 1, 2, … n. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}
