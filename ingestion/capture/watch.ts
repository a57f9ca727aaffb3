/**
 * Watches the slot that changes are captured through, whoever reads it: how much of the log it holds back, whether it is
 * read at all, whether it is lost, and whether somebody moved it. A slot that cannot give what it should is told again and
 * again, never once. Debezium does not notice a slot that is ahead of its offset: 3.7.0 goes on without what lies between.
 * What must outlive the process, and be the same for all that watch, is in ops.watermark.
 */
import type { Log } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Running } from '../../src/platform/platform.ts';
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { readSlot, type SlotState } from '../../src/platform/postgres/slot.ts';
import { pause } from '../../src/platform/retry.ts';
import { BROKEN, type Broken } from './position.ts';
import type { SlotHealth } from './status.ts';
import { keepWatched, readWatched, wasCaptured } from './watched.ts';

const LOOK_MS = 1_000;
/** While it is to be dropped and made anew, which is seen by its being away for a moment. */
const LOOK_CLOSELY_MS = 100;
/** Between two lines about one and the same trouble. */
const REPEAT_MS = 60_000;
const HOW = 'docs/operations.md, "Change data capture"';

/**
 * Tells what is broken: at once, and again while it lasts. `null`: nothing is. `goesOn`: who reads a slot that was moved does
 * so all the same, and may have moved it itself.
 */
export function createAlarm(log: Log, { goesOn = false } = {}): (reason: Broken | null) => void {
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
    const what = goesOn && reason === 'slot_ahead' ? 'changes may be missing' : 'changes are NOT captured';
    log.error({ reason, how: HOW }, `${what}: ${BROKEN[reason]}`);
  };
}

export interface WatchOptions {
  postgres: Sql;
  log: Log;
  slot: string;
  /** Who else tells of a slot that is gone or lost: then this only measures. */
  alarm: ((reason: Broken | null) => void) | null;
  /** Told what each look found. */
  say?(found: SlotHealth): Promise<void>;
}

/**
 * Looks each second. A slot that moved while nobody read it is told until there is none, which is the way back, or until an
 * operator has said that it was seen: Debezium moves the slot itself, for a moment, before it begins to read.
 */
export function watchSlot({ postgres, log, slot, alarm, say }: WatchOptions): Running {
  const ended = new AbortController();
  // a slot that was never there is one that nobody has set up yet
  let seen = false;
  let isBroken = false;
  /** It was found to have moved, and that is not written down yet. */
  let owed = false;

  async function judge(found: SlotState | null): Promise<void> {
    const before = await readWatched(postgres, slot);
    // whoever makes a new one begins with the whole table; one that is lost can only be made anew, maybe too quick to be seen
    const isGone = !found || found.lost;
    if (isGone) owed = false;
    // only who reads a slot moves it on; one that moves while nobody does was moved past what was not read
    else owed ||= !found.active && before !== null && before.left !== null && found.confirmed > before.left;
    const left = isGone || found.active ? null : found.confirmed;
    const ahead = !isGone && (owed || (before?.ahead ?? false));
    const reason = !found ? 'slot_missing' : found.lost ? 'slot_lost' : ahead ? 'slot_ahead' : null;
    isBroken = reason !== null;
    alarm?.(reason);
    const isNew = !before || before.left !== left || before.ahead !== ahead;
    if (isNew) await keepWatched(postgres, slot, left, owed || isGone ? ahead : null);
    owed = false;
  }

  async function look(): Promise<void> {
    const { slot: found } = await readSlot(postgres, slot);
    seen ||= found !== null || (await wasCaptured(postgres, slot));
    if (!seen) return;
    metrics.captureActive.set({ slot }, found?.active ? 1 : 0);
    metrics.captureBehind.set({ slot }, found?.behind ?? 0);
    if (alarm) await judge(found);
    await say?.({ read: found?.active ?? false, broken: isBroken || !found || found.lost });
  }

  const running = (async () => {
    while (!ended.signal.aborted) {
      await look().catch((error) => log.warn({ err: error, slot }, 'the slot can not be looked at'));
      await pause(isBroken ? LOOK_CLOSELY_MS : LOOK_MS, ended.signal);
    }
  })();
  return {
    async stop() {
      ended.abort();
      await running;
    },
  };
}
