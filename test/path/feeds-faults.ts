/**
 * What is done to each exchange, and the bounds that docs/operations.md states for it: how soon it is told, and how soon
 * after its end the feed flows again.
 */
import type { StandInProcess } from './feeds-stand-in.ts';

/** FEED_STALE_MS of the suite. KuCoin's steadiest channel speaks every two seconds. */
export const STALE_MS = 3_000;
/** From the feed to an answer of feedHealth, by way of the log and a worker, on a machine that is busy with tests. */
const WAY_MS = 2_500;
/** A silence is looked for four times in FEED_STALE_MS. */
const SILENCE_MS = STALE_MS * 1.25;
/** An exchange that speaks only when something happens must have been busy this long, without such a pause, for its silence to count. */
export const BUSY_MS = STALE_MS * 3.1;
export const PAUSE_MS = STALE_MS / 6 - 20;
/** The longest pause before the first, second and third attempt together, and as much to subscribe and to ask REST. */
const ATTEMPTS_MS = 500 + 1_000 + 2_000;
const BAN_MS = 3_000;

export interface Scene {
  standIn: StandInProcess;
  /** Resolves when feedHealth says of every channel that it is stale; rejects `withinMs` later. */
  stale(withinMs: number): Promise<unknown>;
}

export interface Fault {
  name: string;
  /** Does it; resolves when it is over. */
  happen(scene: Scene): Promise<void>;
  /** All channels are fresh this long after the end. */
  backMs: number;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** The address is banned while its connections are cut: neither REST nor a new connection is to be had. */
function ban(status: 418 | 429): Fault {
  return {
    name: `bans us with ${status}`,
    async happen({ standIn, stale }) {
      const before = (await standIn.status()).stats.banned;
      await standIn.fault('ban', { status, ms: BAN_MS });
      const until = performance.now() + BAN_MS;
      await standIn.fault('reset');
      await stale(WAY_MS);
      await pause(Math.max(0, until - performance.now()));
      const asked = (await standIn.status()).stats.banned - before;
      // what was under way when it began, and one attempt: who goes on regardless is shut out for longer
      if (asked < 1 || asked > 6) throw new Error(`asked ${asked} times during a ban of ${BAN_MS} ms`);
    },
    backMs: 1_000 + ATTEMPTS_MS + WAY_MS,
  };
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'stalls silently',
    async happen({ standIn, stale }) {
      await standIn.fault('stall', '');
      try {
        await stale(SILENCE_MS + WAY_MS);
        // long enough for the next connection to be as silent
        await pause(1_000);
      } finally {
        await standIn.fault('resume');
      }
    },
    // a connection opened during the silence may have to be given up too
    backMs: SILENCE_MS + ATTEMPTS_MS + WAY_MS,
  },
  {
    name: 'half-opens',
    happen: ({ standIn }) => standIn.fault('halfOpen'),
    backMs: SILENCE_MS + ATTEMPTS_MS + WAY_MS,
  },
  {
    name: 'resets',
    happen: ({ standIn }) => standIn.fault('reset'),
    backMs: ATTEMPTS_MS + WAY_MS,
  },
  ban(429),
  ban(418),
  {
    name: 'is replaced mid-run',
    async happen({ standIn, stale }) {
      const restart = await standIn.kill();
      await stale(WAY_MS);
      await restart();
    },
    // it was away for some attempts
    backMs: 2 * ATTEMPTS_MS + WAY_MS,
  },
];

/** A lost frame that shows by its sequence is told, and healed, within this. */
export const SEQUENCE_MS = WAY_MS;
/** One that shows by nothing but the minute's candle: so long after the end of the minute. */
export const CANDLE_MS = 20_000 + WAY_MS;
