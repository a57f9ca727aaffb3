/**
 * Compares what a client was told with what is in the topic. It knows the topics, the documented rules of `start` and `gap`,
 * and nothing of how they come about.
 */
import type { Heard, OracleClient, SpreadFilter } from './oracle-client.ts';

/** What may be learned from many clients at once. */
export interface Tally {
  received: number;
  /** Counted losses that were told. */
  told: number;
  /** Losses told without a number. */
  uncounted: number;
  resumed: number;
  resets: number;
  expired: number;
  slow: number;
  /** New subscriptions that began with something the client had seen under its old one. */
  repeatedAfterExpiry: number;
  /** Resets to a state older than the one seen last: only where the number of what is missing is unknown. */
  backwards: number;
  stalls: number;
}

export const emptyTally = (): Tally => ({
  ...{ received: 0, told: 0, uncounted: 0, resumed: 0, resets: 0, expired: 0, slow: 0 },
  ...{ repeatedAfterExpiry: 0, backwards: 0, stalls: 0 },
});

/** An own reading of a cursor: its parts are lines, the fourth is the sequence, the fifth the epoch. */
export function placeOf(cursor: string): { epoch: string; sequence: string } {
  const [, , , sequence = '', epoch = ''] = Buffer.from(cursor, 'base64url').toString().split('\n');
  return { epoch, sequence };
}

type Event = Heard & { kind: 'event' };

/** What a client with a filter is to hear of its stream: each event's place among them, from 1 on, and whether it matches. */
export type Wanted = ReadonlyMap<number, { place: number; matches: boolean }>;

interface Spread {
  n: number;
  id: string;
  netPercent: string;
  notExecutable: readonly string[];
  base: string;
}

/**
 * By the guide: a spread that passes the filter is told, and once when it no longer does. `spreads` are all of the stream,
 * in order, each once.
 */
export function wantedBy({ base, minNetPercent, executableOnly }: SpreadFilter, spreads: readonly Spread[]): Wanted {
  const wanted = new Map<number, { place: number; matches: boolean }>();
  const matched = new Set<string>();
  for (const one of spreads) {
    if (base !== null && one.base !== base) continue;
    // of two decimals, which doubles order rightly
    const isEnough = minNetPercent === null || Number(one.netPercent) >= Number(minNetPercent);
    const matches = isEnough && !(executableOnly && one.notExecutable.length > 0);
    if (matches || matched.has(one.id)) wanted.set(one.n, { place: wanted.size + 1, matches });
    if (matches) matched.add(one.id);
    else matched.delete(one.id);
  }
  return wanted;
}

/**
 * Every problem with what one client heard. `produced` numbers the events of its stream from 1 on without a hole;
 * `stored` says which event the live store had at `<epoch>/<sequence>`, as far as somebody looked. One with a filter counts
 * what it `wanted`, as if nothing else were produced.
 */
export function problemsOf(
  client: OracleClient,
  produced: number,
  stored: ReadonlyMap<string, number>,
  tally: Tally,
  wanted: Wanted | null = null,
): string[] {
  const { name, what } = client.plan;
  const hasState = what !== 'trade' && what !== 'spread';
  const end = wanted?.size ?? produced;
  const problems = client.unexpected.map((text) => `${name}: unexpected ${text.slice(0, 300)}`);
  const problem = (event: Event, text: string): void =>
    void problems.push(`${name}: ${text} at ${JSON.stringify({ ...event, cursor: placeOf(event.cursor) })}`);
  let last: Event | null = null;
  /** Its number among what the client is to hear. */
  let lastN = 0;
  /** Of everything, under whichever subscription. */
  let greatest = 0;
  let isFirst = false;
  let after: string | null = null;

  for (const one of client.heard) {
    if (one.kind === 'begun') {
      isFirst = true;
      after = one.after;
      if (after === null) last = null;
      continue;
    }
    if (one.kind === 'stale') {
      if (one.stale) tally.stalls += 1;
      continue;
    }
    if (one.kind === 'error') {
      if (one.code === 'CURSOR_EXPIRED') tally.expired += 1;
      if (one.code === 'CURSOR_EXPIRED' && hasState) problems.push(`${name}: expired where there is a state`);
      if (one.code === 'SLOW_CONSUMER') {
        tally.slow += 1;
        // what waits is not handed over before the error: a client that was told nothing has no cursor yet
        if (one.cursor !== null && last && one.cursor !== last.cursor)
          problem(last, `slow with another cursor ${one.cursor}`);
      }
      continue;
    }
    tally.received += 1;
    const { start, gap, sequence } = one;
    const asked = wanted?.get(one.n);
    const n = wanted ? (asked?.place ?? 0) : one.n;
    if (wanted && !asked) problem(one, 'was not asked for');
    if (asked && asked.matches !== one.matches) problem(one, `matches is not ${asked.matches}`);
    const place = placeOf(one.cursor);
    const known = stored.get(`${place.epoch}/${place.sequence}`);
    if (known !== undefined && known !== one.n) problem(one, `the store has ${known} there`);
    if (place.sequence !== sequence) problem(one, 'cursor and sequence differ');
    if (one.n < 1 || one.n > produced) problem(one, 'never produced');
    if (isFirst && start === null) problem(one, 'the first one does not say how it began');
    if (!isFirst && start !== null && start !== 'RESET') problem(one, 'begins in the middle');
    if (isFirst && after !== null && start === 'LIVE') problem(one, 'a cursor was ignored');
    if (start === 'RESET' && !hasState) problem(one, 'reset to a state that does not exist');
    if (start === 'RESUMED') tally.resumed += 1;
    if (start === 'RESET') tally.resets += 1;
    if (gap?.missed) tally.told += gap.missed;
    if (gap?.missed === null) tally.uncounted += 1;

    if (last) {
      const between = n - lastN - 1;
      if (gap?.missed === null) {
        if (between < -1) {
          if (start === 'RESET') tally.backwards += 1;
          else problem(one, `goes back behind ${lastN}`);
        } else if (between === -1 && start !== 'RESET') problem(one, 'comes twice');
      } else {
        const missed = gap?.missed ?? 0;
        // a reset may repeat the state that was seen last
        const repeats = start === 'RESET' && between === -1 && missed === 0;
        if (between !== missed && !repeats) problem(one, `${between} are missing after ${lastN}, told were ${missed}`);
      }
    } else if (n <= greatest && !hasState) tally.repeatedAfterExpiry += 1;
    greatest = Math.max(greatest, n);
    last = one;
    lastN = n;
    isFirst = false;
  }
  if (!last || lastN !== end) problems.push(`${name}: ends at ${last && lastN}, the last one was ${end}`);
  return problems;
}
