/** Follows streams of the in-memory live store: what was appended in one tick is delivered in the next. */
import { Following } from '../following.ts';
import type { LiveTail, TailHandlers } from '../store.ts';
import { type MemoryStream, READ_PER_STREAM } from './stream.ts';

export class MemoryTail implements LiveTail {
  private readonly followed = new Map<string, Following>();
  /** Followed streams with something to look at. */
  private pending = new Set<Following>();
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
    const following = new Following(stream, after, this.handlers, (error) => {
      // a bug of ours, kept from the streams that are delivered with this one
      queueMicrotask(() => {
        throw error;
      });
    });
    this.followed.set(stream, following);
    this.schedule(following);
  }

  unfollow(stream: string): void {
    const following = this.followed.get(stream);
    if (!following) return;
    following.end();
    this.followed.delete(stream);
    this.pending.delete(following);
  }

  /** The stream has a new entry. */
  appended(stream: string): void {
    const following = this.followed.get(stream);
    if (following) this.schedule(following);
  }

  /** The store was emptied. */
  cleared(): void {
    for (const following of this.followed.values()) this.schedule(following);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const stream of [...this.followed.keys()]) this.unfollow(stream);
    if (this.next) clearImmediate(this.next);
    this.next = null;
    this.onClosed();
  }

  private schedule(following: Following): void {
    this.pending.add(following);
    this.next ??= setImmediate(() => this.deliver());
  }

  private deliver(): void {
    this.next = null;
    const batch = this.pending;
    this.pending = new Set();
    for (const following of batch) {
      if (following.isEnded) continue;
      const stream = this.streams.get(following.stream);
      const now = stream?.position ?? null;
      following.observe(now && { ...now, birth: stream?.life[0] ?? '' });
      if (stream) following.accept(stream.read(following.after, READ_PER_STREAM), stream.life);
      if (!following.isEnded && now && following.after < now.sequence) this.schedule(following);
    }
  }
}
