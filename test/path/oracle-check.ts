/**
 * Compares what a client was told with what is in the topic. It knows the topics, the documented rules of `start` and `gap`,
 * and nothing of how they come about.
 */
import type { Heard, OracleClient } from './oracle-client.ts';

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

/**
 * Every problem with what one client heard. `produced` numbers the events of its stream from 1 on without a hole;
 * `stored` says which event the live store had at `<epoch>/<sequence>`, as far as somebody looked.
 */
export function problemsOf(
  client: OracleClient,
  produced: number,
  stored: ReadonlyMap<string, number>,
  tally: Tally,
): string[] {
  const { name, what } = client.plan;
  const hasState = what !== 'trade';
  const problems = client.unexpected.map((text) => `${name}: unexpected ${text.slice(0, 300)}`);
  const problem = (event: Event, text: string): void =>
    void problems.push(`${name}: ${text} at ${JSON.stringify({ ...event, cursor: placeOf(event.cursor) })}`);
  let last: Event | null = null;
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
    const { n, start, gap, sequence } = one;
    const place = placeOf(one.cursor);
    const known = stored.get(`${place.epoch}/${place.sequence}`);
    if (known !== undefined && known !== n) problem(one, `the store has ${known} there`);
    if (place.sequence !== sequence) problem(one, 'cursor and sequence differ');
    if (n < 1 || n > produced) problem(one, 'never produced');
    if (isFirst && start === null) problem(one, 'the first one does not say how it began');
    if (!isFirst && start !== null && start !== 'RESET') problem(one, 'begins in the middle');
    if (isFirst && after !== null && start === 'LIVE') problem(one, 'a cursor was ignored');
    if (start === 'RESET' && !hasState) problem(one, 'reset to a state that does not exist');
    if (start === 'RESUMED') tally.resumed += 1;
    if (start === 'RESET') tally.resets += 1;
    if (gap?.missed) tally.told += gap.missed;
    if (gap?.missed === null) tally.uncounted += 1;

    if (last) {
      const between = n - last.n - 1;
      if (gap?.missed === null) {
        if (between < -1) {
          if (start === 'RESET') tally.backwards += 1;
          else problem(one, `goes back behind ${last.n}`);
        } else if (between === -1 && start !== 'RESET') problem(one, 'comes twice');
      } else {
        const missed = gap?.missed ?? 0;
        // a reset may repeat the state that was seen last
        const repeats = start === 'RESET' && between === -1 && missed === 0;
        if (between !== missed && !repeats) problem(one, `${between} are missing after ${last.n}, told were ${missed}`);
      }
    } else if (n <= greatest && !hasState) tally.repeatedAfterExpiry += 1;
    greatest = Math.max(greatest, n);
    last = one;
    isFirst = false;
  }
  if (last?.n !== produced) problems.push(`${name}: ends at ${last?.n}, the last one was ${produced}`);
  return problems;
}
