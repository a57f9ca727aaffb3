/**
 * Follows streams with one blocking XREAD over one connection of its own. A wake key, read along with the streams, ends
 * the wait when another stream is to be followed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import { metrics } from '../../metrics.ts';
import { Following, type Standing } from '../following.ts';
import type { LiveTail, StreamEntry, TailHandlers } from '../store.ts';
import {
  asUnavailable,
  backoff,
  connectRedis,
  disconnect,
  type RedisConnection,
  type RedisLink,
  results,
  within,
} from './client.ts';
import { META } from './scripts.ts';

/** How often every followed stream's position is compared with ours, and the longest XREAD. */
const CHECK_MS = 1_000;
/** Entries of one XREAD over all streams, as far as COUNT, which is per stream, can bound it. */
const READ_ENTRIES = 4_096;
const READ_PER_STREAM = 512;
/** XREAD costs the server time for each stream named; from here on it is given a pause after each. */
const PAUSE_FROM = 200;
const PAUSE_MS_PER_STREAM = 0.005;
const LONGEST_PAUSE_MS = 50;
const WAKE_TTL_MS = 60_000;

type RawEntry = [id: string, fields: string[]];

/** An entry as XREAD and XRANGE give it; its fields are in the order in which the append script writes them. */
export function toEntry([id, fields]: RawEntry): StreamEntry {
  return {
    epoch: fields[3] ?? '',
    sequence: BigInt(id.slice(0, id.indexOf('-'))),
    payload: fields[7] ?? '',
    // empty where only what stands behind it was needed
    gap: fields[9] || null,
    time: Number(fields[1]),
    logged: fields[11] === undefined ? null : Number(fields[11]),
  };
}

function toBirth([, fields]: RawEntry): string {
  return fields[5] ?? '';
}

export class RedisTail implements LiveTail {
  private readonly followed = new Map<string, Following>();
  /** Followed, but not compared with the stream's position yet. */
  private readonly fresh = new Set<Following>();
  private readonly wakeKey = `live:wake:{${randomUUID()}}`;
  private wakeId = '0-0';
  private readonly closing = new AbortController();
  private connection: RedisConnection | null = null;
  private waiting = false;
  private waking = false;
  private down = false;
  private checked = 0;
  private readonly ended: Promise<void>;

  constructor(
    private readonly link: RedisLink,
    private readonly handlers: TailHandlers,
    private readonly log: Log,
    private readonly onClosed: () => void,
  ) {
    this.ended = this.run();
  }

  follow(stream: string, after: bigint): void {
    if (this.closing.signal.aborted) return;
    this.unfollow(stream);
    const following = new Following(stream, after, this.handlers, (error) =>
      this.log.error({ err: error, stream }, 'tail handler threw'),
    );
    this.followed.set(stream, following);
    this.fresh.add(following);
    if (this.waiting) this.wake();
  }

  unfollow(stream: string): void {
    const following = this.followed.get(stream);
    if (!following) return;
    following.end();
    this.followed.delete(stream);
    this.fresh.delete(following);
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const stream of [...this.followed.keys()]) this.unfollow(stream);
    this.connection?.disconnect();
    await this.ended;
    this.onClosed();
  }

  private get isClosed(): boolean {
    return this.closing.signal.aborted;
  }

  /** Failing to wake costs at most CHECK_MS. */
  private wake(): void {
    if (this.waking) return;
    this.waking = true;
    this.link
      .run((redis) =>
        redis.pipeline().xadd(this.wakeKey, 'MAXLEN', 1, '*', 'w', '').pexpire(this.wakeKey, WAKE_TTL_MS).exec(),
      )
      .catch(() => {});
  }

  private async run(): Promise<void> {
    // whoever made us has our handlers' other end in hand only after this
    await Promise.resolve();
    for (let failures = 0; !this.isClosed; failures++) {
      try {
        this.connection = await connectRedis(this.link.url, this.link.timeoutMs, this.closing.signal);
        await this.session(this.connection, () => {
          failures = 0;
        });
      } catch (error) {
        if (this.isClosed) return;
        metrics.storeErrors.inc({ store: 'redis' });
        this.interrupt(error);
        await delay(backoff(failures), undefined, { signal: this.closing.signal }).catch(() => {});
      } finally {
        if (this.connection) await disconnect(this.connection);
        this.connection = null;
      }
    }
  }

  private async session(redis: RedisConnection, onAlive: () => void): Promise<void> {
    this.checked = 0;
    while (!this.isClosed) {
      const whole = Date.now() - this.checked >= CHECK_MS;
      const observed = whole ? [...this.followed.values()] : [...this.fresh];
      const standings = await this.standings(redis, observed);
      if (this.down) this.resume();
      onAlive();
      if (whole) this.checked = Date.now();
      for (const [i, following] of observed.entries()) {
        this.fresh.delete(following);
        following.observe(standings[i] ?? null);
      }
      const read = [...this.followed.values()];
      const found = await this.read(redis, read);
      for (const following of read) {
        const raw = found.get(following.stream);
        if (raw) following.accept(raw.map(toEntry), raw.map(toBirth));
      }
      for (const following of observed) if (!found.has(following.stream)) following.accept([], []);
      await this.pause(read.length);
    }
  }

  private async standings(redis: RedisConnection, followings: readonly Following[]): Promise<(Standing | null)[]> {
    if (followings.length === 0) return [];
    const pipeline = redis.pipeline();
    for (const { stream } of followings) pipeline.hmget(stream + META, 'at', 'seq', 'birth');
    const found = results(await within(pipeline.exec(), this.link.timeoutMs)) as (string | null)[][];
    return found.map(([epoch, sequence, birth]) =>
      epoch == null || sequence == null || birth == null ? null : { epoch, sequence: BigInt(sequence), birth },
    );
  }

  /** Waits until there is something after any of the positions, or the next check is due. */
  private async read(redis: RedisConnection, followings: readonly Following[]): Promise<Map<string, RawEntry[]>> {
    const count = Math.max(1, Math.min(READ_PER_STREAM, Math.floor(READ_ENTRIES / (followings.length + 1))));
    const wait = Math.max(1, this.checked + CHECK_MS - Date.now());
    const keys = followings.map((f) => f.stream);
    const ids = followings.map((f) => `${f.after < 0n ? 0n : f.after}-0`);
    const block = ['COUNT', count, 'BLOCK', wait, 'STREAMS'] as const;
    this.waiting = true;
    const reply = await within(
      redis.xread(...block, this.wakeKey, ...keys, this.wakeId, ...ids),
      wait + this.link.timeoutMs,
    );
    this.waiting = false;
    this.waking = false;
    const found = new Map<string, RawEntry[]>();
    for (const [stream, entries] of reply ?? []) {
      if (stream === this.wakeKey) this.wakeId = entries.at(-1)?.[0] ?? this.wakeId;
      else found.set(stream, entries);
    }
    return found;
  }

  private async pause(streams: number): Promise<void> {
    if (streams < PAUSE_FROM) return;
    const ms = Math.min(LONGEST_PAUSE_MS, streams * PAUSE_MS_PER_STREAM);
    await delay(ms, undefined, { signal: this.closing.signal }).catch(() => {});
  }

  private interrupt(error: unknown): void {
    this.waiting = false;
    this.waking = false;
    if (this.down) return;
    this.down = true;
    const reason = asUnavailable(error);
    this.log.warn({ err: reason }, 'tail interrupted');
    this.tell(() => this.handlers.interrupted(reason));
  }

  private resume(): void {
    this.down = false;
    this.log.info('tail resumed');
    this.tell(() => this.handlers.resumed());
  }

  private tell(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      this.log.error({ err: error }, 'tail handler threw');
    }
  }
}
