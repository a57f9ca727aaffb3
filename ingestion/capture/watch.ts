/**
 * Watches the slot that changes are captured through, whoever reads it: how much of the log it holds back, whether it is
 * read at all, whether it is lost, and whether somebody moved it. A slot that cannot give what it should is told again and
 * again, never once. Debezium does not notice a slot that is ahead of its offset: 3.7.0 goes on without what lies between.
 */
import type { Log } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Running } from '../../src/platform/platform.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { readSlot, type SlotState } from '../../src/platform/postgres/slot.ts';
import { pause } from '../../src/platform/retry.ts';
import { BROKEN, type Broken } from './position.ts';

const LOOK_MS = 1_000;
/** While it is to be dropped and made anew, which is seen by its being away for a moment. */
const LOOK_CLOSELY_MS = 100;
/** Between two lines about one and the same trouble. */
const REPEAT_MS = 60_000;
const HOW = 'docs/operations.md, "Change data capture"';

/** Tells what is broken: at once, and again while it lasts. `null`: nothing is. */
export function createAlarm(log: Log): (reason: Broken | null) => void {
  let last: { reason: Broken; at: number } | null = null;
  return (reason) => {
    if (last && last.reason !== reason) {
      metrics.captureBroken.set({ reason: last.reason }, 0);
      if (!reason) log.info({ reason: last.reason }, 'changes are captured again');
      last = null;
    }
    if (!reason) return;
    metrics.captureBroken.set({ reason }, 1);
    const now = performance.now();
    if (last && now - last.at < REPEAT_MS) return;
    last = { reason, at: now };
    log.error({ reason, how: HOW }, `changes are NOT captured: ${BROKEN[reason]}`);
  };
}

export interface WatchOptions {
  postgres: Sql;
  log: Log;
  slot: string;
  /** Who else tells of a slot that is gone or lost: then this only measures. */
  alarm: ((reason: Broken | null) => void) | null;
}

/** Looks every few seconds. */
export function watchSlot({ postgres, log, slot, alarm }: WatchOptions): Running {
  const ended = new AbortController();
  // a slot that was never there is one that nobody has set up yet
  let seen = false;
  /** Where it was when nobody read it any more. */
  let left: bigint | null = null;
  let ahead = false;

  /** Only who reads a slot moves it on; one that moves while nobody does was moved past what was not read. */
  function judged(found: SlotState | null): Broken | null {
    if (!found) {
      // whoever makes a new one begins with the whole table
      [left, ahead] = [null, false];
      return 'slot_missing';
    }
    if (found.active) left = null;
    else {
      ahead ||= left !== null && found.confirmed > left;
      left = found.confirmed;
    }
    return found.lost ? 'slot_lost' : ahead ? 'slot_ahead' : null;
  }

  async function look(): Promise<void> {
    const { slot: found } = await readSlot(postgres, slot);
    seen ||= found !== null;
    if (!seen) return;
    metrics.captureActive.set({ slot }, found?.active ? 1 : 0);
    metrics.captureBehind.set({ slot }, found?.behind ?? 0);
    const reason = judged(found);
    alarm?.(reason);
  }

  const running = (async () => {
    while (!ended.signal.aborted) {
      await look().catch((error) => log.warn({ err: error, slot }, 'the slot can not be looked at'));
      await pause(ahead ? LOOK_CLOSELY_MS : LOOK_MS, ended.signal);
    }
  })();
  return {
    async stop() {
      ended.abort();
      await running;
    },
  };
}
