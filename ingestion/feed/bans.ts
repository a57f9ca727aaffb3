/**
 * What an exchange has forbidden an address is forbidden to every process behind it: who goes on regardless is shut out for
 * longer. Each process writes down the silence that it was asked for (a row of ops.lease, which ends by itself) and keeps
 * to what the others wrote; a process that starts in the middle of a ban keeps to it too.
 */
import type { Log } from '../../src/platform/log.ts';
import type { Running } from '../../src/platform/platform.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { pause } from '../../src/platform/retry.ts';

/** Something that keeps silent towards an exchange while it has to. */
export interface Silent {
  /** Ms; 0 where it need not. */
  silentFor(): number;
  pause(ms: number): void;
}

export interface Bans extends Running {
  /** Keeps to what is written down now. Throws PostgresUnavailable. */
  read(): Promise<void>;
  /** Goes on sharing until `stop`. */
  start(): void;
}

const PREFIX = 'ban:';
/** How often it is looked whether we were banned, and whether others were. */
const LOOK_MS = 200;
const READ_MS = 1_000;
/** Differences up to this are those of clocks and ways, and no news. */
const SLACK_MS = 500;

/** What an exchange's REST API is called among the places: whatever has this host, has one limit. */
export const restPlace = (base: string): string => `rest:${new URL(base).host}`;

interface Row {
  name: string;
  /** How long it goes on. */
  ms: number;
}

/** What is written down of these places and not over, but by `except`. Throws PostgresUnavailable. */
function readBans(postgres: Postgres, places: Iterable<string>, except = ''): Promise<Row[]> {
  return postgres.query<Row>(
    `SELECT name, extract(epoch FROM expires_at - clock_timestamp())::float8 * 1000 AS ms FROM ops.lease
     WHERE name = ANY($1) AND expires_at > clock_timestamp() AND holder <> $2`,
    [Array.from(places, (place) => PREFIX + place), except],
  );
}

/** Writes down that a place is silent for `ms`; a shorter silence does not end a longer one. Throws PostgresUnavailable. */
async function writeBan(postgres: Postgres, place: string, ms: number, holder: string): Promise<void> {
  await postgres.query(
    `INSERT INTO ops.lease AS l (name, holder, fence, expires_at)
     VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, expires_at = excluded.expires_at
       WHERE l.expires_at < excluded.expires_at`,
    [PREFIX + place, holder, ms],
  );
}

/** The ban of one place, for who asks before each call. Both throw PostgresUnavailable. */
export function banOf(postgres: Postgres, place: string, holder: string) {
  let known = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    /** Epoch ms; what another process was told counts here within a second. */
    async until(): Promise<number> {
      if (performance.now() - readAt < READ_MS) return known;
      const [row] = await readBans(postgres, [place]);
      known = row ? Date.now() + row.ms : 0;
      readAt = performance.now();
      return known;
    },
    /** No calls before `time`, epoch ms. */
    async tell(time: number): Promise<void> {
      known = Math.max(known, time);
      await writeBan(postgres, place, Math.max(0, time - Date.now()), holder);
    },
  };
}

/** Shares the silences of `places`, by what they are called in all processes. `holder` names this one. */
export function createBans(postgres: Postgres, places: ReadonlyMap<string, Silent>, holder: string, log: Log): Bans {
  /** Until when the others know of our silence, monotonic ms. */
  const told = new Map<string, number>();
  const ended = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    // our own come back as late as they were written
    const rows = await readBans(postgres, places.keys(), holder);
    for (const { name, ms } of rows) {
      const place = name.slice(PREFIX.length);
      const silent = places.get(place);
      if (!silent || ms <= silent.silentFor() + SLACK_MS) continue;
      log.info({ place, ms: Math.round(ms) }, 'banned as told elsewhere: keeping silent too');
      silent.pause(ms);
      told.set(place, performance.now() + ms);
    }
  }

  async function tell(): Promise<void> {
    for (const [place, silent] of places) {
      const ms = silent.silentFor();
      const until = performance.now() + ms;
      if (ms === 0 || until <= (told.get(place) ?? 0) + SLACK_MS) continue;
      await writeBan(postgres, place, ms, holder);
      told.set(place, until);
    }
  }

  async function run(): Promise<void> {
    let readAt = Number.NEGATIVE_INFINITY;
    while (!ended.signal.aborted) {
      try {
        await tell();
        if (performance.now() - readAt >= READ_MS) {
          readAt = performance.now();
          await read();
        }
      } catch (error) {
        log.debug({ err: error }, 'bans not shared');
      }
      await pause(LOOK_MS, ended.signal);
    }
  }

  return {
    read,
    start() {
      running = run();
    },
    async stop() {
      ended.abort();
      await running;
      // what came after the last look
      await tell().catch((error) => log.debug({ err: error }, 'bans not shared'));
    },
  };
}
