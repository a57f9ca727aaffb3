/**
 * Leases: who may do a thing that must be done once. Rows of ops.lease, expiry by the database's clock; a holder judges
 * its own lease by its monotonic clock from before it asked, so that it stops no later than the database lets another in.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Log } from '../log.ts';
import type { Running } from '../platform.ts';
import { pause } from '../retry.ts';
import type { Postgres } from './postgres.ts';

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Grows with every new holder of the name. */
  readonly fence: bigint;
  /**
   * True while it is ours beyond doubt. Once false it stays false, even if nobody else took it: whoever asked has
   * already acted on the answer.
   */
  isHeld(): boolean;
}

/** Part of the time that is kept back for what was sent just before the end to arrive. */
const MARGIN = 0.1;

/** A name for a holder of leases that nobody else has: host, process and eight hex digits of this very call. */
export function holderName(): string {
  return `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
}

interface OwnLease extends Lease {
  extend(from: number, ms: number): void;
  lose(): void;
}

function ownLease(name: string, holder: string, fence: bigint, from: number, ms: number): OwnLease {
  let until = from + ms * (1 - MARGIN);
  let lost = false;
  return {
    name,
    holder,
    fence,
    isHeld() {
      if (!lost && performance.now() >= until) lost = true;
      return !lost;
    },
    extend(start, length) {
      if (!lost) until = Math.max(until, start + length * (1 - MARGIN));
    },
    lose() {
      lost = true;
    },
  };
}

/**
 * Takes those of `names` that are free, expired, or left over from `holder` itself, for `ms`. Resolves with the leases
 * it got. Throws PostgresUnavailable.
 */
export async function acquireLeases(
  postgres: Postgres,
  names: readonly string[],
  holder: string,
  ms: number,
): Promise<Lease[]> {
  if (names.length === 0) return [];
  const from = performance.now();
  const rows = await postgres.query<{ name: string; fence: string }>(
    `INSERT INTO ops.lease AS l (name, holder, fence, expires_at)
     SELECT n, $2, 1, clock_timestamp() + $3 * interval '1 millisecond' FROM unnest($1::text[]) n ORDER BY n
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, expires_at = excluded.expires_at
       WHERE l.expires_at <= clock_timestamp() OR l.holder = excluded.holder
     RETURNING name, fence`,
    [names, holder, ms],
  );
  return rows.map((row) => ownLease(row.name, holder, BigInt(row.fence), from, ms));
}

/** Takes one lease; null when another holds it. Throws PostgresUnavailable. */
export async function acquireLease(
  postgres: Postgres,
  name: string,
  holder: string,
  ms: number,
): Promise<Lease | null> {
  return (await acquireLeases(postgres, [name], holder, ms))[0] ?? null;
}

/** Prolongs the leases that are still held; those that another took are lost from here on. Throws PostgresUnavailable. */
export async function renewLeases(postgres: Postgres, leases: readonly Lease[], ms: number): Promise<void> {
  const held = leases.filter((lease) => lease.isHeld());
  if (held.length === 0) return;
  const from = performance.now();
  const rows = await postgres.query<{ name: string }>(
    `UPDATE ops.lease l SET expires_at = clock_timestamp() + $4 * interval '1 millisecond'
     FROM unnest($1::text[], $2::bigint[]) AS mine (name, fence)
     WHERE l.name = mine.name AND l.fence = mine.fence AND l.holder = $3 RETURNING l.name`,
    [held.map((l) => l.name), held.map((l) => String(l.fence)), held[0]?.holder, ms],
  );
  const kept = new Set(rows.map((row) => row.name));
  for (const lease of held as OwnLease[]) {
    if (kept.has(lease.name)) lease.extend(from, ms);
    else lease.lose();
  }
}

/** Gives leases back at once; those that are no longer ours are left alone. Throws PostgresUnavailable. */
export async function releaseLeases(postgres: Postgres, leases: readonly Lease[]): Promise<void> {
  if (leases.length === 0) return;
  for (const lease of leases as readonly OwnLease[]) lease.lose();
  await postgres.query(
    // the row stays: its fence must go on growing
    `UPDATE ops.lease l SET expires_at = to_timestamp(0) FROM unnest($1::text[], $2::bigint[]) AS mine (name, fence)
     WHERE l.name = mine.name AND l.fence = mine.fence AND l.holder = $3`,
    [leases.map((l) => l.name), leases.map((l) => String(l.fence)), leases[0]?.holder],
  );
}

export interface KeepLeaseOptions {
  postgres: Postgres;
  name: string;
  /** Must differ between processes and between runs of one. */
  holder: string;
  /** How long the lease outlives a holder that vanished, at the most. */
  ms: number;
  log: Log;
  /** Called whenever the lease was obtained; the thing may be done while `lease.isHeld()`. */
  onAcquired(lease: Lease): void;
  /** Called when it was lost; it is tried for again. */
  onLost(): void;
}

/**
 * Tries for a lease again and again, keeps it while it can, gives it back on stop: for things that one process of many
 * does. The row lives for 0.7 of `ms` and is looked at every fifth, so a successor has it within `ms`.
 */
export function keepLease(options: KeepLeaseOptions): Running {
  const { postgres, name, holder, log } = options;
  const ms = options.ms * 0.7;
  const ended = new AbortController();
  let lease: Lease | null = null;

  async function round(): Promise<void> {
    if (lease) {
      await renewLeases(postgres, [lease], ms).catch((error) => log.warn({ err: error, lease: name }, 'not renewed'));
      if (lease.isHeld()) return;
      lease = null;
      options.onLost();
    }
    lease = await acquireLease(postgres, name, holder, ms);
    if (lease) options.onAcquired(lease);
  }

  const running = (async () => {
    while (!ended.signal.aborted) {
      await round().catch((error) => log.warn({ err: error, lease: name }, 'not acquired'));
      await pause(options.ms / 5, ended.signal);
    }
  })();

  return {
    async stop() {
      ended.abort();
      await running;
      if (lease) await releaseLeases(postgres, [lease]).catch(() => {});
      lease = null;
    },
  };
}

export interface LeasedWork extends Pick<KeepLeaseOptions, 'postgres' | 'name' | 'ms' | 'log'> {
  /**
   * Called with each lease anew, once what an earlier one began has ended. Has to end when `signal` is aborted: the lease is
   * lost, or it is to stop. Must not reject.
   */
  work(lease: Lease, signal: AbortSignal): Promise<void>;
}

/** Works while it holds a lease, in one of all the processes that run this; the others stand by. */
export function workWhileLeased({ work, ...options }: LeasedWork): Running {
  const ended = new AbortController();
  let turn = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const lease = keepLease({
    ...options,
    holder: holderName(),
    onAcquired(held) {
      turn = new AbortController();
      const signal = AbortSignal.any([turn.signal, ended.signal]);
      running = running.then(() => work(held, signal));
    },
    onLost: () => turn.abort(),
  });
  return {
    async stop() {
      ended.abort();
      // what is under way ends before another may begin
      await running;
      await lease.stop();
    },
  };
}
