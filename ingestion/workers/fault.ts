/**
 * Places where a test lets the process die: CRASH_AT names one, CRASH_AFTER how often it is passed first (0). Not settings:
 * nobody but a test has a use for them, and unset they cost one comparison.
 */
export type FaultPoint =
  | 'before_dlq'
  | 'mid_batch'
  | 'after_produce'
  | 'after_write'
  | 'after_commit'
  | 'after_landing'
  | 'before_cleanup'
  | 'capture_snapshot'
  | 'capture_sent'
  | 'capture_kept';

const at = process.env.CRASH_AT;
let left = Number(process.env.CRASH_AFTER ?? 0);

/** Kills this process as a power cut would, if `point` is the one asked for. */
export function fault(point: FaultPoint): void {
  if (at === point && left-- <= 0) process.kill(process.pid, 'SIGKILL');
}

/** True where the point is the one asked for: to prepare what is to be cut in the middle. */
export function faultWanted(point: FaultPoint): boolean {
  return at === point;
}
