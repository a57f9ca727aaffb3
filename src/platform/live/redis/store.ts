/** The live store on Redis 7 or newer. */
import { createHash } from 'node:crypto';
import { LIVE_FAMILIES } from '../../../../schema/live/keys.ts';
import type { Log } from '../../log.ts';
import {
  type AppendResult,
  type Latest,
  type LiveAppend,
  type LiveStore,
  type LiveTail,
  type LiveWrite,
  type SourceFence,
  SourceLost,
  type SourcePosition,
  type StreamEntry,
  type StreamPosition,
  type TailHandlers,
} from '../store.ts';
import { type AppendCall, callsOf, numberKeys, writeArgs } from './appends.ts';
import { type RedisConnection, RedisLink, results } from './client.ts';
import { ADVANCE, APPEND, CLEAR, LOST, META, PUT, TRIM } from './scripts.ts';
import { RedisTail, toEntry } from './tail.ts';

export interface RedisLiveStoreOptions {
  /** redis:// or rediss://, with the database number as path. */
  url: string;
  /** Bound on a connect and on one call, ms. */
  timeoutMs: number;
  log: Log;
}

type Pipeline = ReturnType<RedisConnection['pipeline']>;

const APPEND_SHA = createHash('sha1').update(APPEND).digest('hex');
const TRIM_CHUNK = 500;

/** Connects. Rejects with LiveStoreUnavailable when Redis does not answer within the bound. */
export async function openRedisLiveStore(options: RedisLiveStoreOptions): Promise<LiveStore> {
  const store = new RedisLiveStore(options);
  try {
    await store.ping();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

const SOURCE = 'source:';

function sourceKey(topic: string, partition: number): string {
  return `${SOURCE}{${topic}}:${partition}`;
}

class RedisLiveStore implements LiveStore {
  private readonly link: RedisLink;
  private readonly log: Log;
  private readonly tails = new Set<RedisTail>();
  /** Connections whose server has been given the script. */
  private readonly taught = new WeakSet<RedisConnection>();

  constructor({ url, timeoutMs, log }: RedisLiveStoreOptions) {
    this.link = new RedisLink(url, timeoutMs, log);
    this.log = log;
  }

  async append(appends: readonly LiveAppend[], from?: SourceFence): Promise<AppendResult[]> {
    if (appends.length === 0) return [];
    const calls = callsOf(appends, from, from ? sourceKey(from.topic, from.partition) : null);
    const replies = await this.link.run((redis) => this.call(redis, calls));
    if (from && replies.includes(LOST)) {
      throw new SourceLost(`Redis: ${from.topic} ${from.partition} is not in epoch ${from.epoch}`);
    }
    const answers = new Array<AppendResult>(appends.length);
    for (const [n, { indexes }] of calls.entries()) {
      const sequences = replies[n] as (string | null)[];
      for (const [i, index] of indexes.entries()) {
        const sequence = sequences[i] ?? null;
        answers[index] = { sequence: sequence === null ? null : BigInt(sequence) };
      }
    }
    return answers;
  }

  /** The script itself goes along once a connection, and where the server has forgotten it. */
  private async call(redis: RedisConnection, calls: readonly AppendCall[]): Promise<unknown[]> {
    const pipeline = redis.pipeline();
    const isTaught = this.taught.has(redis);
    for (const [i, { args }] of calls.entries()) {
      if (i === 0 && !isTaught) pipeline.eval(APPEND, ...args);
      else pipeline.evalsha(APPEND_SHA, ...args);
    }
    const replies = await pipeline.exec();
    // none was run, so that they can be run again; others may have found out at the same time
    if (isTaught && replies?.every(([error]) => error?.message.startsWith('NOSCRIPT'))) {
      this.taught.delete(redis);
      return this.call(redis, calls);
    }
    const answers = results(replies);
    this.taught.add(redis);
    return answers;
  }

  async put(stream: string, writes: readonly LiveWrite[], at?: bigint): Promise<void> {
    if (writes.length === 0) return;
    const { keys: written, numberOf } = numberKeys();
    const args = writeArgs(writes, numberOf);
    const keys = [stream + META, ...written];
    await this.link.run((redis) => redis.eval(PUT, keys.length, ...keys, String(at ?? ''), writes.length, ...args));
  }

  async latest(keys: readonly string[]): Promise<(Latest | null)[]> {
    const found = await this.pipeline((pipeline) => {
      for (const key of keys) pipeline.hmget(key, 'v', 'e', 's');
    });
    return (found as (string | null)[][]).map(([value, epoch, sequence]) =>
      value == null || epoch == null || sequence == null ? null : { value, epoch, sequence: BigInt(sequence) },
    );
  }

  async values(keys: readonly string[]): Promise<(string | null)[]> {
    const found = await this.pipeline((pipeline) => {
      for (const key of keys) pipeline.get(key);
    });
    return found as (string | null)[];
  }

  async list(key: string, count: number): Promise<string[]> {
    return count > 0 ? this.link.run((redis) => redis.lrange(key, 0, count - 1)) : [];
  }

  fields(key: string): Promise<Record<string, string>> {
    return this.link.run((redis) => redis.hgetall(key));
  }

  async positions(streams: readonly string[]): Promise<(StreamPosition | null)[]> {
    const found = await this.pipeline((pipeline) => {
      for (const stream of streams) pipeline.hmget(stream + META, 'at', 'seq');
    });
    return (found as (string | null)[][]).map(([epoch, sequence]) =>
      epoch == null || sequence == null ? null : { epoch, sequence: BigInt(sequence) },
    );
  }

  async read(stream: string, after: bigint, count: number): Promise<StreamEntry[]> {
    if (count <= 0) return [];
    const first = `${after < 0n ? 0n : after + 1n}-0`;
    const found = await this.link.run((redis) => redis.xrange(stream, first, '+', 'COUNT', count));
    return found.map(toEntry);
  }

  async oldest(stream: string): Promise<bigint | null> {
    const [first] = await this.link.run((redis) => redis.xrange(stream, '-', '+', 'COUNT', 1));
    return first ? toEntry(first).sequence : null;
  }

  tail(handlers: TailHandlers): LiveTail {
    const tail = new RedisTail(this.link, handlers, this.log, () => this.tails.delete(tail));
    this.tails.add(tail);
    return tail;
  }

  async trim(stream: string, before: number): Promise<number> {
    let total = 0;
    while (true) {
      const dropped = await this.link.run((redis) =>
        redis.eval(TRIM, 2, stream, stream + META, String(before), String(TRIM_CHUNK)),
      );
      total += Number(dropped);
      if (Number(dropped) < TRIM_CHUNK) return total;
    }
  }

  async sourcePosition(topic: string, partition: number): Promise<SourcePosition | null> {
    const key = sourceKey(topic, partition);
    const [epoch, next, until] = await this.link.run((redis) => redis.hmget(key, 'epoch', 'next', 'until'));
    return epoch == null || next == null ? null : { epoch, next: BigInt(next), catchUpTo: BigInt(until ?? 0) };
  }

  async rememberSource(topic: string, partition: number, position: SourcePosition): Promise<void> {
    const { epoch, next, catchUpTo } = position;
    const fields = { epoch, next: String(next), until: String(catchUpTo) };
    await this.link.run((redis) => redis.hset(sourceKey(topic, partition), fields));
  }

  async advanceSource(
    topic: string,
    partition: number,
    { epoch, next }: Omit<SourcePosition, 'catchUpTo'>,
  ): Promise<boolean> {
    const key = sourceKey(topic, partition);
    return (await this.link.run((redis) => redis.eval(ADVANCE, 1, key, epoch, String(next)))) === 1;
  }

  async clear(): Promise<void> {
    await this.link.run((redis) => redis.eval(CLEAR, 0, ...LIVE_FAMILIES, SOURCE));
  }

  async ping(): Promise<void> {
    await this.link.run((redis) => redis.ping());
  }

  async close(): Promise<void> {
    await Promise.all([...this.tails].map((tail) => tail.close()));
    await this.link.close();
  }

  /** One round trip for everything `fill` adds; nothing added, nothing sent. */
  private async pipeline(fill: (pipeline: Pipeline) => void): Promise<unknown[]> {
    return this.link.run(async (redis) => {
      const pipeline = redis.pipeline();
      fill(pipeline);
      return pipeline.length === 0 ? [] : results(await pipeline.exec());
    });
  }
}
