/**
 * Owner of ioredis. Its own reconnecting, offline queue and resending are switched off: they hang on a frozen peer, take
 * 20 tries before an error and may run a write twice. A link connects when it is used, gives every call a bound, and
 * says so at once while the server is away.
 */
import { Redis } from 'ioredis';
import type { Log } from '../../log.ts';
import { metrics } from '../../metrics.ts';
import { LiveStoreUnavailable } from '../store.ts';

export type RedisConnection = Redis;

/** Wait before the next attempt to connect: doubles up to this, with full jitter. */
const LONGEST_WAIT_MS = 1_000;

/** Errors of the server that another try can't heal: wrong use of a key or a command. */
const LASTING = /^(WRONGTYPE|ERR) /;

/** The answer did not come within the bound. */
class NoAnswer extends Error {}

/** How long to wait before attempt number `failures` + 1, ms. */
export function backoff(failures: number): number {
  return Math.random() * Math.min(LONGEST_WAIT_MS, 50 * 2 ** Math.min(failures, 10));
}

/** The promise's result. Rejects with an Error when it takes longer than `ms`. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new NoAnswer(`no answer within ${ms} ms`)), ms);
    promise.then(done, fail).finally(() => clearTimeout(timer));
  });
}

/**
 * What a failed call is reported as. The message alone: ioredis hangs the command with its arguments on the error, which
 * for AUTH is the password.
 */
export function asUnavailable(error: unknown): LiveStoreUnavailable {
  if (error instanceof LiveStoreUnavailable) return error;
  return new LiveStoreUnavailable(`Redis: ${error instanceof Error ? error.message : String(error)}`);
}

/**
 * One connection, ready for use: authenticated, database selected, data loaded. It is never reconnected. Rejects within
 * `timeoutMs`, or when `signal` aborts.
 */
export async function connectRedis(url: string, timeoutMs: number, signal?: AbortSignal): Promise<RedisConnection> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    // a frozen peer never confirms the end of a connection
    disconnectTimeout: 20,
  });
  let problem: Error | undefined;
  redis.on('error', (error: Error) => {
    problem = error;
  });
  const abort = (): void => void disconnect(redis);
  signal?.addEventListener('abort', abort);
  try {
    if (signal?.aborted) throw new LiveStoreUnavailable('Redis: closed');
    await within(redis.connect(), timeoutMs);
    // e.g. a database number that does not exist: ioredis only reports it and goes on with database 0
    if (problem) throw problem;
    return redis;
  } catch (error) {
    await disconnect(redis);
    throw asUnavailable(problem ?? error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Ends a connection: its pending calls are rejected. Resolves when its socket is gone, within a moment. */
export async function disconnect(redis: RedisConnection): Promise<void> {
  if (redis.status === 'end') return;
  const ended = new Promise((done) => redis.once('end', done));
  redis.disconnect();
  await within(ended, LONGEST_WAIT_MS).catch(() => {});
}

/** The results of a pipeline. Throws the first error of any of its commands. */
export function results(replies: [Error | null, unknown][] | null): unknown[] {
  if (!replies) throw new Error('pipeline aborted');
  const failed = replies.find(([error]) => error);
  if (failed?.[0]) throw failed[0];
  return replies.map(([, value]) => value);
}

/** A shared connection that heals itself. */
export class RedisLink {
  private current: Promise<RedisConnection> | null = null;
  private failures = 0;
  private notBefore = 0;
  private lastError: Error | null = null;
  private readonly closing = new AbortController();

  constructor(
    readonly url: string,
    readonly timeoutMs: number,
    private readonly log: Log,
  ) {}

  /** Rejects with LiveStoreUnavailable within two bounds (connect, answer), or with the server's own error. */
  async run<T>(work: (redis: RedisConnection) => Promise<T>): Promise<T> {
    let attempt: Promise<RedisConnection> | null = null;
    try {
      attempt = this.connection();
      const redis = await attempt;
      return await within(work(redis), this.timeoutMs);
    } catch (error) {
      metrics.storeErrors.inc({ store: 'redis' });
      if (error instanceof LiveStoreUnavailable) throw error;
      const { message } = error as Error;
      // late: what waits in a frozen connection would pile up. READONLY: this server is no longer the primary
      if (error instanceof NoAnswer || message.startsWith('READONLY ')) void this.drop(attempt);
      throw LASTING.test(message) ? new Error(`Redis: ${message}`) : asUnavailable(error);
    }
  }

  /** Pending calls are rejected, and all that come. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.drop(this.current);
  }

  private connection(): Promise<RedisConnection> {
    if (this.current) return this.current;
    if (this.closing.signal.aborted) return Promise.reject(new LiveStoreUnavailable('Redis: closed'));
    if (Date.now() < this.notBefore) return Promise.reject(this.lastError ?? asUnavailable('not connected'));
    const attempt = connectRedis(this.url, this.timeoutMs, this.closing.signal);
    this.current = attempt;
    attempt.then(
      (redis) => {
        if (this.failures > 0) this.log.info('connected to Redis again');
        this.failures = 0;
        redis.once('end', () => this.lose(attempt));
      },
      (error: Error) => {
        if (this.failures === 0 && !this.closing.signal.aborted) this.log.warn({ err: error }, 'Redis does not answer');
        this.failures++;
        this.lastError = error;
        this.notBefore = Date.now() + backoff(this.failures);
        this.lose(attempt);
      },
    );
    return attempt;
  }

  private lose(attempt: Promise<RedisConnection>): void {
    if (this.current === attempt) this.current = null;
  }

  private async drop(attempt: Promise<RedisConnection> | null): Promise<void> {
    if (!attempt) return;
    this.lose(attempt);
    // a failed attempt has cleaned up after itself
    const redis = await attempt.catch(() => null);
    if (redis) await disconnect(redis);
  }
}
