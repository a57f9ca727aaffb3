/** Follows streams of the in-memory live store: what was appended in one tick is delivered in the next. */
import { Following } from '../following.ts';
import type { LiveTail, TailHandlers } from '../store.ts';
import { type MemoryStream, READ_PER_STREAM, type Watcher } from './stream.ts';

/** A followed stream, whether there is one yet or not. */
class Watch implements Watcher {
  isPending = false;
  private stream: MemoryStream | null = null;

  constructor(
    readonly following: Following,
    private readonly onAppended: (watch: Watch) => void,
  ) {}

  appended(): void {
    if (!this.isPending) this.onAppended(this);
  }

  /** The stream begins, anew where it had begun before; null: it ends. */
  begins(stream: MemoryStream | null): void {
    if (this.stream) this.stream.watchers = this.stream.watchers.filter((one) => one !== this);
    this.stream = stream;
    if (stream) stream.watchers = [...stream.watchers, this];
  }

  /** Delivers what is new. Returns true where there is more. */
  deliver(): boolean {
    const { following, stream } = this;
    const now = stream?.position ?? null;
    following.observe(now);
    if (stream) following.accept(stream.read(following.after, READ_PER_STREAM), stream.life);
    return !following.isEnded && now !== null && following.after < now.sequence;
  }
}

export class MemoryTail implements LiveTail {
  private readonly followed = new Map<string, Watch>();
  /** Those with something to look at. */
  private pending: Watch[] = [];
  private next: NodeJS.Immediate | null = null;
  private closed = false;

  constructor(
    private readonly streams: ReadonlyMap<string, MemoryStream>,
    private readonly handlers: TailHandlers,
    private readonly onClosed: () => void,
  ) {}

  follow(stream: string, after: bigint): void {
    if (this.closed) return;
    this.unfollow(stream);
    const following = new Following(stream, after, this.handlers, onBug);
    const watch = new Watch(following, this.schedule);
    this.followed.set(stream, watch);
    watch.begins(this.streams.get(stream) ?? null);
    this.schedule(watch);
  }

  unfollow(stream: string): void {
    const watch = this.followed.get(stream);
    if (!watch) return;
    watch.following.end();
    watch.begins(null);
    this.followed.delete(stream);
  }

  /** There is a stream of this name from now on. */
  begun(name: string, stream: MemoryStream): void {
    this.followed.get(name)?.begins(stream);
  }

  /** The store was emptied. */
  cleared(): void {
    for (const watch of this.followed.values()) {
      watch.begins(null);
      watch.appended();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const stream of [...this.followed.keys()]) this.unfollow(stream);
    if (this.next) clearImmediate(this.next);
    this.next = null;
    this.onClosed();
  }

  private readonly schedule = (watch: Watch): void => {
    watch.isPending = true;
    this.pending.push(watch);
    this.next ??= setImmediate(this.deliver);
  };

  private readonly deliver = (): void => {
    this.next = null;
    const batch = this.pending;
    this.pending = [];
    for (const watch of batch) {
      watch.isPending = false;
      if (!watch.following.isEnded && watch.deliver()) watch.appended();
    }
  };
}

/** A bug of ours, kept from the streams that are delivered with this one. */
function onBug(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
