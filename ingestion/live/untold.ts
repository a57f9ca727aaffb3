/**
 * Messages of one source partition that no stream could take: what they said is in the dead letters, and the next event of
 * the stream that they were for says FEED_GAP. Where a message does not say which stream that is, all streams that its key may
 * stand for do. Kept in the live store beside what it is about, so that a restart forgets nothing.
 */
import type { Message, TopicPartition } from '../../src/platform/broker/broker.ts';
import type { LiveStore, LiveWrite } from '../../src/platform/live/store.ts';

/** Streams that share a key tell a loss each with its next event; after this long those that come later need not. */
const KEPT_MS = 24 * 3_600_000;
/** Streams and keys of one partition that may owe something at once; the oldest go first. */
const MAX_OWED = 10_000;

const keyOf = ({ topic, partition }: TopicPartition): string => `live:owed:{${topic}:${partition}}`;
/** In the place of when a stream began to owe: it has told what its key owes since then. */
const TOLD = 'told ';
/** The part of a stream's name that its events' messages have for a key. */
const tagOf = (stream: string): string => /\{[^}]*\}/.exec(stream)?.[0] ?? '';

export class Untold {
  /** By stream: it has not told yet. */
  private readonly streams = new Set<string>();
  /** By tag: since when (epoch ms) something is owed, and the streams that have told it. */
  private readonly tags = new Map<string, { since: number; told: Set<string> }>();
  private readonly key: string;

  constructor(
    private readonly live: LiveStore,
    at: TopicPartition,
  ) {
    this.key = keyOf(at);
  }

  /** What was owed when the partition was last worked on. Throws LiveStoreUnavailable. */
  async load(): Promise<this> {
    const oldest = Date.now() - KEPT_MS;
    const fields = Object.entries(await this.live.fields(this.key));
    for (const [tag, since] of fields) {
      if (tag.startsWith('{') && Number(since) > oldest) this.tags.set(tag, { since: Number(since), told: new Set() });
    }
    for (const [stream, since] of fields) {
      if (stream.startsWith('{') || since === '') continue;
      const owed = this.tags.get(tagOf(stream));
      if (!since.startsWith(TOLD)) this.streams.add(stream);
      else if (since === `${TOLD}${owed?.since}`) owed?.told.add(stream);
    }
    return this;
  }

  /** A message was given up: `stream` is where it belonged, null where it does not say. Throws LiveStoreUnavailable. */
  async owe(stream: string | null, { key }: Pick<Message, 'key'>): Promise<void> {
    const name = stream ?? (key === null ? null : `{${key}}`);
    const before = name === null ? undefined : this.tags.get(name);
    if (name === null || this.streams.has(name) || before?.told.size === 0) return;
    const since = Math.max(Date.now(), (before?.since ?? 0) + 1);
    await this.write([[name, String(since)]]);
    if (stream === null) this.tags.set(name, { since, told: new Set() });
    else this.streams.add(stream);
    for (const kept of [this.streams, this.tags]) {
      for (const oldest of kept.keys()) {
        if (kept.size <= MAX_OWED) break;
        kept.delete(oldest);
      }
    }
  }

  /** True where the next event of the stream has to tell. */
  has(stream: string): boolean {
    if (this.streams.size === 0 && this.tags.size === 0) return false;
    if (this.streams.has(stream)) return true;
    const owed = this.tags.get(tagOf(stream));
    return owed !== undefined && !owed.told.has(stream);
  }

  /** These have told. Throws LiveStoreUnavailable. */
  async told(streams: Iterable<string>): Promise<void> {
    const done: [stream: string, value: string][] = [];
    for (const stream of streams) {
      const owed = this.tags.get(tagOf(stream));
      const isFirst = owed !== undefined && !owed.told.has(stream);
      owed?.told.add(stream);
      if (this.streams.delete(stream) || isFirst) done.push([stream, owed ? `${TOLD}${owed.since}` : '']);
    }
    await this.write(done);
  }

  private async write(fields: readonly (readonly [string, string])[]): Promise<void> {
    const writes = fields.map(([field, value]): LiveWrite => ({ kind: 'field', key: this.key, field, value }));
    if (writes.length > 0) await this.live.put(this.key, writes);
  }
}
