/** Time of a simulation: real, or standing still until it is told to pass. It moves its markets in steps. */
import { STEP_MS } from './quotes.ts';

/** A lag longer than this (a suspended machine) is not made up frame by frame. */
const LONGEST_LAG_MS = 60_000;

export interface ClockOptions {
  /** Epoch ms; with `stepped`, where time stands. */
  clock: () => number;
  /** Time moves only by `advance`. */
  stepped: boolean;
  /** Ms between looks at the clock. */
  pumpMs: number;
}

/** What lives by the clock. */
export interface Ticking {
  /** Lets time pass to `to`, at most to the end of the running step; `skew` shifts the times that are told. */
  advance(to: number, skew: number): void;
  /** Passes over a time nobody could have followed. */
  skip(to: number): void;
}

export class MarketClock {
  /** Added to the times that are told: an exchange whose clock is off. */
  skew = 0;
  /** Where the markets are, epoch ms; at the start aligned to a step, so that nothing depends on the ms of the start. */
  time: number;
  private readonly options: ClockOptions;
  private ticking: readonly Ticking[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(options: ClockOptions) {
    this.options = options;
    this.time = Math.floor(options.clock() / STEP_MS) * STEP_MS;
  }

  /** From now on these live by it. */
  start(ticking: readonly Ticking[]): void {
    this.ticking = ticking;
    if (!this.options.stepped) {
      this.timer = setInterval(() => this.advanceTo(this.options.clock()), this.options.pumpMs);
    }
  }

  /** The exchange's clock. */
  now(): number {
    return (this.options.stepped ? this.time : this.options.clock()) + this.skew;
  }

  /** Lets `ms` pass, in stepped mode. */
  advance(ms: number): void {
    this.advanceTo(this.time + ms);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }

  private advanceTo(to: number): void {
    if (to - this.time > LONGEST_LAG_MS && !this.options.stepped) {
      this.time = Math.floor(to / STEP_MS) * STEP_MS;
      for (const one of this.ticking) one.skip(this.time);
    }
    while (this.time < to) {
      const end = Math.min(to, (Math.floor(this.time / STEP_MS) + 1) * STEP_MS);
      for (const one of this.ticking) one.advance(end, this.skew);
      this.time = end;
    }
  }
}
