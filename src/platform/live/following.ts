/**
 * Where a tail stands in one followed stream, and how it notices a loss. Sequences are dense, so a jump is a loss; a
 * stream that begins anew has another birth; a position that went back tells of a lost tail of the log.
 */
import type { StreamEntry, StreamPosition, TailHandlers } from './store.ts';

/** What a stream says of itself. */
export interface Standing extends StreamPosition {
  birth: string;
}

export class Following {
  private birth: string | null = null;
  /** Where the stream stood when it was last looked at, until entries have been read up to there. */
  private seen: Standing | null = null;
  private ended = false;

  /** `onBug` gets what a handler threw. */
  constructor(
    readonly stream: string,
    private sequence: bigint,
    private readonly handlers: TailHandlers,
    private readonly onBug: (error: unknown) => void,
  ) {}

  /** Entries after this sequence are wanted next. */
  get after(): bigint {
    return this.sequence;
  }

  /** True once nothing more may be delivered. */
  get isEnded(): boolean {
    return this.ended;
  }

  end(): void {
    this.ended = true;
  }

  /** Compares with where the stream stands; null: it has had no event. */
  observe(now: Standing | null): void {
    if (this.ended) return;
    if (!now) {
      if (this.sequence > 0n || this.birth !== null) this.restart(null, null);
    } else if (this.birth !== null && this.birth !== now.birth) {
      this.restart({ epoch: now.epoch, sequence: 0n }, now.birth);
    } else {
      this.birth = now.birth;
      if (now.sequence < this.sequence) this.lose(now);
    }
    this.seen = now;
  }

  /**
   * Takes what was read after `after`, oldest first, with each entry's birth. After an `observe`, nothing read tells that
   * entries were trimmed.
   */
  accept(entries: readonly StreamEntry[], births: readonly string[]): void {
    let from = 0;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as StreamEntry;
      const birth = births[i] ?? '';
      this.birth ??= birth;
      if (birth !== this.birth) {
        // the new stream has already grown past our position: read it from its start
        this.deliver(entries.slice(from, i));
        this.restart({ epoch: entry.epoch, sequence: 0n }, birth);
        return;
      }
      if (entry.sequence !== this.sequence + 1n) {
        this.deliver(entries.slice(from, i));
        this.lose({ epoch: entry.epoch, sequence: entry.sequence - 1n });
        from = i;
      }
      this.sequence = entry.sequence;
    }
    this.deliver(from === 0 ? entries : entries.slice(from));
    if (entries.length === 0 && this.seen && this.seen.sequence > this.sequence) this.lose(this.seen);
    this.seen = null;
  }

  private deliver(entries: readonly StreamEntry[]): void {
    // a handler may unfollow
    if (entries.length === 0 || this.ended) return;
    try {
      this.handlers.entries(this.stream, entries);
    } catch (error) {
      this.onBug(error);
    }
  }

  private lose({ epoch, sequence }: StreamPosition): void {
    this.sequence = sequence;
    this.tellLost({ epoch, sequence });
  }

  private restart(now: StreamPosition | null, birth: string | null): void {
    this.birth = birth;
    this.sequence = 0n;
    this.seen = null;
    this.tellLost(now);
  }

  private tellLost(now: StreamPosition | null): void {
    if (this.ended) return;
    try {
      this.handlers.lost(this.stream, now);
    } catch (error) {
      this.onBug(error);
    }
  }
}
