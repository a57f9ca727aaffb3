/**
 * Who follows which market: every process takes its even share of the markets by lease, gives some back when another
 * process joins, and takes over those of one that vanished.
 */

import type { Log } from '../../src/platform/log.ts';
import { acquireLeases, type Lease, releaseLeases, renewLeases } from '../../src/platform/postgres/lease.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { pause } from '../../src/platform/retry.ts';

export interface ShareOptions {
  postgres: Postgres;
  /** What is shared at first, e.g. market ids. The same list in every process, in any order. */
  items: readonly string[];
  /** Unique to this run of this process. */
  holder: string;
  /** LEASE_MS. */
  ms: number;
  log: Log;
  /** These are ours from now on. Items whose taking over fails must be given back by throwing; it is tried again. */
  gained(items: readonly string[]): Promise<void>;
  /** These go to somebody else: must resolve when nothing of them is published any more. */
  lost(items: readonly string[]): Promise<void>;
  /** So many processes share them, this one included; told whenever it is looked. */
  members(count: number): void;
}

export interface Share {
  /** True while the item may be published from here. */
  holds(item: string): boolean;
  /** From now on these are shared. Those of ours that are not among them are given back. */
  change(items: readonly string[]): void;
  /** Gives these back soon; whoever has room takes them then. */
  release(items: readonly string[]): void;
  /** Gives everything back; `lost` must have been seen to by the caller. */
  stop(): Promise<void>;
}

const PREFIX = 'ingest:';
const MEMBER_PREFIX = 'ingest-member:';
/** The rows live for this part of `ms` and are looked at every fifth of it: a successor is there within `ms`. */
const LIFE = 0.7;

/** How many of `total` the member at `rank` of `members` should hold: evenly, the remainder to the first. */
export function fairShare(total: number, members: number, rank: number): number {
  return Math.floor(total / members) + (rank < total % members ? 1 : 0);
}

/** Begins to take part; the first markets come within a moment. */
export function startShare(options: ShareOptions): Share {
  const { postgres, holder, log } = options;
  const life = options.ms * LIFE;
  const namesOf = (items: readonly string[]): string[] => items.map((item) => PREFIX + item).sort();
  let names = namesOf(options.items);
  const unwanted = new Set<string>();
  const self = MEMBER_PREFIX + holder;
  const held = new Map<string, Lease>();
  const ended = new AbortController();
  let member: Lease | null = null;

  const itemsOf = (list: readonly string[]): string[] => list.map((name) => name.slice(PREFIX.length));

  /** What the database says: live members in order, and the names that somebody holds. */
  async function survey(): Promise<{ members: string[]; taken: Set<string> }> {
    const rows = await postgres.query<{ name: string }>(
      `SELECT name FROM ops.lease WHERE expires_at > clock_timestamp() AND (name = ANY($1) OR name LIKE $2)`,
      [names, `${MEMBER_PREFIX}%`],
    );
    const all = rows.map((row) => row.name);
    return {
      members: all.filter((name) => name.startsWith(MEMBER_PREFIX)).sort(),
      taken: new Set(all.filter((name) => !name.startsWith(MEMBER_PREFIX))),
    };
  }

  async function forget(lapsed: readonly string[]): Promise<void> {
    if (lapsed.length === 0) return;
    for (const name of lapsed) held.delete(name);
    await options.lost(itemsOf(lapsed));
  }

  async function giveBack(list: readonly string[]): Promise<void> {
    const leases = list.flatMap((name) => held.get(name) ?? []);
    // still ours until everything of it is out
    await options.lost(itemsOf(list));
    for (const name of list) held.delete(name);
    await releaseLeases(postgres, leases);
  }

  async function take(list: readonly string[]): Promise<void> {
    const leases = await acquireLeases(postgres, list, holder, life);
    if (leases.length === 0) return;
    for (const lease of leases) held.set(lease.name, lease);
    const gained = leases.map((lease) => lease.name);
    try {
      await options.gained(itemsOf(gained));
    } catch (error) {
      for (const name of gained) held.delete(name);
      await releaseLeases(postgres, leases);
      throw error;
    }
  }

  async function round(): Promise<void> {
    const mine = [...held.values(), ...(member ? [member] : [])];
    try {
      await renewLeases(postgres, mine, life);
    } finally {
      await forget([...held.keys()].filter((name) => !held.get(name)?.isHeld()));
      if (member && !member.isHeld()) member = null;
    }
    member ??= (await acquireLeases(postgres, [self], holder, life))[0] ?? null;
    const { members, taken } = await survey();
    const rank = members.indexOf(self);
    if (rank < 0) return;
    options.members(members.length);
    const shared = new Set(names);
    const foreign = [...held.keys()].filter((name) => !shared.has(name) || unwanted.has(name));
    unwanted.clear();
    if (foreign.length > 0) await giveBack(foreign);
    const fair = fairShare(names.length, members.length, rank);
    const own = [...held.keys()].sort();
    if (own.length > fair) await giveBack(own.slice(fair));
    const free = names.filter((name) => !taken.has(name) && !held.has(name));
    if (own.length < fair && free.length > 0) await take(free.slice(0, fair - own.length));
  }

  const running = (async () => {
    while (!ended.signal.aborted) {
      await round().catch((error) => log.warn({ err: error }, 'markets not shared'));
      await pause(options.ms / 5, ended.signal);
    }
  })();

  return {
    holds: (item) => held.get(PREFIX + item)?.isHeld() ?? false,
    change(items) {
      names = namesOf(items);
    },
    release(items) {
      for (const name of namesOf(items)) unwanted.add(name);
    },
    async stop() {
      ended.abort();
      await running;
      const leases = [...held.values(), ...(member ? [member] : [])];
      held.clear();
      await releaseLeases(postgres, leases).catch((error) => log.warn({ err: error }, 'leases not given back'));
      // names of runs that are over would pile up
      await postgres
        .query(`DELETE FROM ops.lease WHERE name LIKE $1 AND expires_at < clock_timestamp() - interval '1 minute'`, [
          `${MEMBER_PREFIX}%`,
        ])
        .catch(() => {});
    },
  };
}
