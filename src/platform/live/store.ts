/**
 * The port to the live state: newest values and one capped stream per live channel. Two implementations, one contract
 * suite (test/src/platform/live/store.contract.ts): ioredis and in-memory.
 */

/** What an append writes besides the stream entry, in the same atomic step and only if the event is no repeat. */
export type LiveWrite =
  /** Newest value; kept with the stream's epoch and sequence at that moment, see `Latest`. */
  | { kind: 'latest'; key: string; value: string }
  /** Plain value with a time to live. */
  | { kind: 'value'; key: string; value: string; ttlMs: number }
  /** Newest-first list, cut to `cap`. */
  | { kind: 'list'; key: string; value: string; cap: number }
  /** One field of a hash. */
  | { kind: 'field'; key: string; field: string; value: string };

export interface LiveAppend {
  /** Stream key, see schema/channels.ts `streamKey`. */
  stream: string;
  /** Epoch that the source partition is in; a stream found in another epoch continues its sequence in this one. */
  epoch: string;
  /** Position in the source: an offset at or below the one remembered for the same epoch is a redelivery and dropped. */
  offset: bigint;
  /**
   * Repeat rule (schema/channels.ts): an id that must be new among the last `keep`, or a rank that must be greater;
   * null appends whatever the rank (a book snapshot that restarts a sequence) and remembers `rank`.
   */
  version:
    | { kind: 'recent'; id: string; keep: number }
    | { kind: 'advance'; rank: string }
    | { kind: 'restart'; rank: string };
  /** JSON of the event. */
  payload: string;
  /** JSON of a gap that lies before this event, e.g. {"missed":null,"reason":"FEED_GAP"}. */
  gap?: string;
  /** Epoch ms by our clock; retention counts from it. */
  time: number;
  /** Epoch ms at which the log got the event, where the store may have had it before it lost its data. */
  logged?: number;
  retentionMs: number;
  maxLength: number;
  writes: readonly LiveWrite[];
}

/** `sequence` is null where the event was dropped as a repeat. */
export interface AppendResult {
  sequence: bigint | null;
}

/** Expired entries that one append drops at most; what remains goes with the next ones. */
export const TRIM_PER_APPEND = 32;

/** A place in a stream: the epoch and sequence of one entry; the entries after it have greater sequences. */
export interface StreamPosition {
  epoch: string;
  sequence: bigint;
}

export interface StreamEntry extends StreamPosition {
  payload: string;
  gap: string | null;
  time: number;
  /** Epoch ms at which the log got the event, where it may have been told before the store lost its data; else null. */
  logged: number | null;
}

/** A newest value and the stream position it is true for. */
export interface Latest extends StreamPosition {
  value: string;
}

/** None of them may throw. */
export interface TailHandlers {
  /** New entries of one followed stream, in order. */
  entries(stream: string, entries: readonly StreamEntry[]): void;
  /**
   * The stream's position went back or its entries were trimmed before they were read: what lies between the last entry
   * delivered and `now` is lost. Following goes on after `now`; null: from the first entry of a stream that has none.
   */
  lost(stream: string, now: StreamPosition | null): void;
  /** The store does not answer. Following goes on by itself when it is back. */
  interrupted(error: Error): void;
  resumed(): void;
}

/** Follows many streams over one connection; streams nobody follows cost nothing. */
export interface LiveTail {
  /** Delivers every entry after `sequence`. Following a followed stream again moves its position. */
  follow(stream: string, after: bigint): void;
  unfollow(stream: string): void;
  close(): Promise<void>;
}

export interface SourcePosition {
  epoch: string;
  /** Offset of the next message to process. */
  next: bigint;
  /** Events before this offset were in the log when the epoch began. */
  catchUpTo: bigint;
}

/** A source partition and the epoch it must be remembered in. */
export interface SourceFence {
  topic: string;
  partition: number;
  epoch: string;
}

export interface LiveStore {
  /**
   * Each append is atomic; they happen in the order given. With `from`: each only while that source is remembered in that
   * epoch, as part of its atomic step; rejects with SourceLost at the first one that finds another or none, and those after
   * it are not written. Rejects with LiveStoreUnavailable: outcome unknown.
   */
  append(appends: readonly LiveAppend[], from?: SourceFence): Promise<AppendResult[]>;
  /**
   * Rewrites newest values without a stream entry, stamped with the stream's newest position; sequence 0 and an empty
   * epoch where it has had no event. With `at`: only while that is the newest entry's sequence, else nothing is written.
   */
  put(stream: string, writes: readonly LiveWrite[], at?: bigint): Promise<void>;
  latest(keys: readonly string[]): Promise<(Latest | null)[]>;
  values(keys: readonly string[]): Promise<(string | null)[]>;
  list(key: string, count: number): Promise<string[]>;
  fields(key: string): Promise<Record<string, string>>;
  /** Where each stream stands now; null where it has had no event. */
  positions(streams: readonly string[]): Promise<(StreamPosition | null)[]>;
  /** Entries after `sequence`, oldest first, at most `count`. */
  read(stream: string, after: bigint, count: number): Promise<StreamEntry[]>;
  /** Lowest sequence still kept; null for an empty stream. */
  oldest(stream: string): Promise<bigint | null>;
  tail(handlers: TailHandlers): LiveTail;
  /** Drops entries older than `before` (epoch ms). Returns how many. */
  trim(stream: string, before: number): Promise<number>;
  /** What the worker remembers of a source partition: its epoch and how far everything of it was applied. */
  sourcePosition(topic: string, partition: number): Promise<SourcePosition | null>;
  /** Begins a source partition's place anew, whatever was remembered. */
  rememberSource(topic: string, partition: number, position: SourcePosition): Promise<void>;
  /** Moves it on within its epoch. False, and nothing is written, where that epoch is not what is remembered. */
  advanceSource(topic: string, partition: number, position: Omit<SourcePosition, 'catchUpTo'>): Promise<boolean>;
  /**
   * Forgets everything: streams, newest values, what is remembered of sources, in one atomic step. Those who follow a stream
   * are told that it is lost. Rejects with LiveStoreUnavailable: outcome unknown; once more does no harm.
   */
  clear(): Promise<void>;
  /** Resolves when the store answers; rejects otherwise within a bound. For readiness. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The store remembers another epoch of the source, or none: it was emptied, or somebody began the source anew. */
export class SourceLost extends Error {
  override readonly name = 'SourceLost';
}

/** The store can't be reached, or does not answer within the bound. Worth another try. */
export class LiveStoreUnavailable extends Error {
  override readonly name = 'LiveStoreUnavailable';
}
