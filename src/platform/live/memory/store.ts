/** The live store within the process: for `npm start` without Redis, and for tests. Same contract, nothing kept on disk. */
import { metrics, tells } from '../../metrics.ts';
import {
  type AppendResult,
  type Latest,
  type LiveAppend,
  type LiveStore,
  LiveStoreUnavailable,
  type LiveTail,
  type LiveWrite,
  type SourceFence,
  SourceLost,
  type SourcePosition,
  type StreamEntry,
  type StreamPosition,
  type TailHandlers,
} from '../store.ts';
import { type Held, MemoryStream, newLife } from './stream.ts';
import { MemoryTail } from './tail.ts';

export interface MemoryLiveStoreOptions {
  /** Now, epoch ms; for what has a time to live. */
  clock?: () => number;
  /** Its streams hold no more than this together: the fullest one gives way; 96 MiB. */
  maxStreams?: number;
  /** So do its values with a time to live: the one written first gives way; 32 MiB. */
  maxValues?: number;
}

interface Expiring {
  value: string;
  until: number;
}

/** Expired values that nobody asks for are found by looking at this many with each one written. */
const SWEEP = 2;

/** With so many events one more stream is looked at that may have come to rest. */
const SETTLE_EVERY = 8;

const NOWHERE: StreamPosition = { epoch: '', sequence: 0n };

/** An empty live store. */
export function createMemoryLiveStore(options: MemoryLiveStoreOptions = {}): LiveStore {
  return new MemoryLiveStore(options);
}

class MemoryLiveStore implements LiveStore {
  private readonly streams = new Map<string, MemoryStream>();
  private readonly newest = new Map<string, Latest>();
  private readonly expiring = new Map<string, Expiring>();
  private readonly lists = new Map<string, string[]>();
  private readonly hashes = new Map<string, Map<string, string>>();
  private readonly sources = new Map<string, SourcePosition>();
  private readonly tails = new Set<MemoryTail>();
  private sweeper = this.expiring.entries();
  private settler = this.streams.values();
  private life = newLife();
  private held: Held = { bytes: 0 };
  private valueBytes = 0;
  private appends = 0;
  private closed = false;
  private readonly clock: () => number;
  private readonly maxStreams: number;
  private readonly maxValues: number;

  constructor({ clock = Date.now, maxStreams = 100_663_296, maxValues = 33_554_432 }: MemoryLiveStoreOptions) {
    this.clock = clock;
    this.maxStreams = maxStreams;
    this.maxValues = maxValues;
    tells(metrics.memoryLiveBytes, { part: 'streams' }, () => this.held.bytes);
    tells(metrics.memoryLiveBytes, { part: 'values' }, () => this.valueBytes);
  }

  async append(appends: readonly LiveAppend[], from?: SourceFence): Promise<AppendResult[]> {
    this.requireOpen();
    if (from && this.sources.get(`${from.topic}:${from.partition}`)?.epoch !== from.epoch) {
      throw new SourceLost(`live store: ${from.topic} ${from.partition} is not in epoch ${from.epoch}`);
    }
    const results = appends.map((append) => {
      const stream = this.streams.get(append.stream) ?? this.begin(append.stream);
      const entry = stream.append(append);
      if (!entry) return { sequence: null };
      this.write(append.writes, entry);
      if (this.held.bytes > this.maxStreams) this.makeRoom();
      return { sequence: entry.sequence };
    });
    this.appends += appends.length;
    for (; this.appends >= SETTLE_EVERY; this.appends -= SETTLE_EVERY) this.settleNext();
    return results;
  }

  async put(stream: string, writes: readonly LiveWrite[], at?: bigint): Promise<void> {
    this.requireOpen();
    const position = this.streams.get(stream)?.position ?? NOWHERE;
    if (at === undefined || at === position.sequence) this.write(writes, position);
  }

  async latest(keys: readonly string[]): Promise<(Latest | null)[]> {
    this.requireOpen();
    return keys.map((key) => {
      const newest = this.newest.get(key);
      return newest ? { ...newest } : null;
    });
  }

  async values(keys: readonly string[]): Promise<(string | null)[]> {
    this.requireOpen();
    const now = this.clock();
    return keys.map((key) => {
      const found = this.expiring.get(key);
      return found && found.until > now ? found.value : null;
    });
  }

  async list(key: string, count: number): Promise<string[]> {
    this.requireOpen();
    return this.lists.get(key)?.slice(0, Math.max(0, count)) ?? [];
  }

  async fields(key: string): Promise<Record<string, string>> {
    this.requireOpen();
    return Object.fromEntries(this.hashes.get(key) ?? []);
  }

  async positions(streams: readonly string[]): Promise<(StreamPosition | null)[]> {
    this.requireOpen();
    return streams.map((stream) => {
      const position = this.streams.get(stream)?.position;
      return position ? { epoch: position.epoch, sequence: position.sequence } : null;
    });
  }

  async read(stream: string, after: bigint, count: number): Promise<StreamEntry[]> {
    this.requireOpen();
    return this.streams.get(stream)?.read(after, count) ?? [];
  }

  async oldest(stream: string): Promise<bigint | null> {
    this.requireOpen();
    return this.streams.get(stream)?.oldest ?? null;
  }

  tail(handlers: TailHandlers): LiveTail {
    const tail = new MemoryTail(this.streams, handlers, () => this.tails.delete(tail));
    this.tails.add(tail);
    return tail;
  }

  async trim(stream: string, before: number): Promise<number> {
    this.requireOpen();
    return this.streams.get(stream)?.trim(before, Number.POSITIVE_INFINITY) ?? 0;
  }

  async sourcePosition(topic: string, partition: number): Promise<SourcePosition | null> {
    this.requireOpen();
    return this.sources.get(`${topic}:${partition}`) ?? null;
  }

  async rememberSource(topic: string, partition: number, position: SourcePosition): Promise<void> {
    this.requireOpen();
    this.sources.set(`${topic}:${partition}`, { ...position });
  }

  async advanceSource(
    topic: string,
    partition: number,
    { epoch, next }: Omit<SourcePosition, 'catchUpTo'>,
  ): Promise<boolean> {
    const known = await this.sourcePosition(topic, partition);
    if (known?.epoch !== epoch) return false;
    await this.rememberSource(topic, partition, { ...known, next });
    return true;
  }

  async clear(): Promise<void> {
    this.requireOpen();
    for (const kept of [this.streams, this.newest, this.expiring, this.lists, this.hashes, this.sources]) kept.clear();
    this.life = newLife();
    this.held = { bytes: 0 };
    this.valueBytes = 0;
    for (const tail of this.tails) tail.cleared();
  }

  async ping(): Promise<void> {
    this.requireOpen();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.tails].map((tail) => tail.close()));
  }

  private begin(name: string): MemoryStream {
    const stream = new MemoryStream(this.life, this.held);
    this.streams.set(name, stream);
    for (const tail of this.tails) tail.begun(name, stream);
    return stream;
  }

  private requireOpen(): void {
    if (this.closed) throw new LiveStoreUnavailable('live store: closed');
  }

  private write(writes: readonly LiveWrite[], { epoch, sequence }: StreamPosition): void {
    for (const write of writes) {
      switch (write.kind) {
        case 'latest':
          this.putNewest(write.key, write.value, epoch, sequence);
          break;
        case 'value':
          this.putValue(write.key, { value: write.value, until: this.clock() + write.ttlMs });
          this.sweep();
          break;
        case 'list': {
          const list = this.lists.get(write.key) ?? [];
          list.unshift(write.value);
          if (list.length > write.cap) list.length = write.cap;
          this.lists.set(write.key, list);
          break;
        }
        case 'field': {
          const hash = this.hashes.get(write.key) ?? new Map<string, string>();
          this.hashes.set(write.key, hash.set(write.field, write.value));
          break;
        }
      }
    }
  }

  private putNewest(key: string, value: string, epoch: string, sequence: bigint): void {
    const known = this.newest.get(key);
    if (!known) {
      this.newest.set(key, { value, epoch, sequence });
      return;
    }
    known.value = value;
    known.epoch = epoch;
    known.sequence = sequence;
  }

  /** Goes round all values with a time to live, a few at a time. */
  private sweep(): void {
    for (let i = 0; i < SWEEP; i++) {
      const { value: found, done } = this.sweeper.next();
      if (done) this.sweeper = this.expiring.entries();
      else if (found[1].until <= this.clock()) this.forget(found[0]);
    }
  }

  /** Goes round all streams, a few appends each: one that rests is packed too. */
  private settleNext(): void {
    const { value: stream, done } = this.settler.next();
    if (done) this.settler = this.streams.values();
    else stream.settle(this.clock());
  }

  private putValue(key: string, kept: Expiring): void {
    this.forget(key);
    this.expiring.set(key, kept);
    this.valueBytes += key.length + kept.value.length;
    if (this.valueBytes <= this.maxValues) return;
    for (const first of this.expiring.keys()) {
      if (this.valueBytes <= this.maxValues) break;
      this.forget(first);
      metrics.memoryLiveDropped.inc({ part: 'values' });
    }
  }

  private forget(key: string): void {
    const known = this.expiring.get(key);
    if (known && this.expiring.delete(key)) this.valueBytes -= key.length + known.value.length;
  }

  /** The fullest streams give way: who resumes from before what is left is told, as after the end of its retention. */
  private makeRoom(): void {
    for (let dropped = 1; dropped > 0 && this.held.bytes > this.maxStreams; ) {
      const fullest = [...this.streams.values()].reduce((most, one) => (one.size > most.size ? one : most));
      dropped = fullest.shrink();
      metrics.memoryLiveDropped.inc({ part: 'streams' }, dropped);
    }
  }
}
