/**
 * The beats at which throttled events leave. Rates come in fixed steps and all beats of a step fall together, so that
 * whoever asks for the same rate is served in the same turn: one timer for all of them, one write a connection.
 */

/** Least times between two events that can be had, ms. */
export const THROTTLE_STEPS: readonly number[] = [50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/** The step that serves a wish, ms: the next greater one; 0 for every event, the greatest for more than that. */
export function throttleStep(ms: number): number {
  if (ms <= 0) return 0;
  return THROTTLE_STEPS.find((step) => step >= ms) ?? (THROTTLE_STEPS.at(-1) as number);
}

/** A timer of Node may be this much early, ms. */
const EARLY_MS = 1;

export class Wheel {
  private readonly waiting = new Map<number, { due: number; calls: (() => void)[] }>();
  private timer: NodeJS.Timeout | null = null;
  private armed = Number.POSITIVE_INFINITY;

  /** Calls once at the next beat of a step; idle steps cost nothing. */
  next(step: number, call: () => void): void {
    const known = this.waiting.get(step);
    if (known) {
      known.calls.push(call);
      return;
    }
    const due = (Math.floor((performance.now() + EARLY_MS) / step) + 1) * step;
    this.waiting.set(step, { due, calls: [call] });
    if (due < this.armed) this.arm();
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.waiting.clear();
  }

  private arm(): void {
    if (this.timer) clearTimeout(this.timer);
    this.armed = Math.min(...[...this.waiting.values()].map(({ due }) => due));
    if (this.armed === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(() => this.turn(), Math.max(0, this.armed - performance.now())).unref();
  }

  private turn(): void {
    const now = performance.now() + EARLY_MS;
    const calls: (() => void)[] = [];
    for (const [step, one] of this.waiting) {
      if (one.due > now) continue;
      this.waiting.delete(step);
      calls.push(...one.calls);
    }
    this.arm();
    for (const call of calls) call();
  }
}
