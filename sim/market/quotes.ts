/**
 * The best bid and ask of a simulated market as a function of time alone: a walk that is a sum of noises of doubling period
 * (each period's weight grows with its square root, as a random walk's does), so any past moment costs the same as now.
 */
import type { Listing, Walk } from './listing.ts';
import { hash, seedOf, unit } from './seeded.ts';

/** Length of one step of the book, in ms. Quotes hold still within a step. */
export const STEP_MS = 100;

const OCTAVES = 22;
const PERIODS = Array.from({ length: OCTAVES }, (_, j) => 2 ** j);
const WEIGHTS = PERIODS.map(Math.sqrt);
const SECONDS_A_YEAR = 31_557_600;

/** Prices in ticks. */
export interface Quote {
  bid: number;
  ask: number;
}

/** One walk: the logarithm of a price as a function of time. */
class Path {
  private readonly seed: number;
  private readonly middle: number;
  private readonly weight: number;
  // noise values at both ends of the cell last visited, per octave: moments are mostly asked in order
  private readonly cells = new Float64Array(OCTAVES).fill(-1);
  private readonly left = new Float64Array(OCTAVES);
  private readonly right = new Float64Array(OCTAVES);

  constructor(seed: number, walk: Walk) {
    this.seed = hash(hash(seed, seedOf(walk.name)), 101);
    this.middle = Math.log(walk.price);
    this.weight = walk.volatility / Math.sqrt(SECONDS_A_YEAR);
  }

  at(seconds: number): number {
    let sum = 0;
    for (let j = 0; j < OCTAVES; j++) {
      const place = seconds / (PERIODS[j] as number);
      const cell = Math.floor(place);
      if (this.cells[j] !== cell) {
        this.cells[j] = cell;
        this.left[j] = unit(this.seed, cell, 2 + j) * 2 - 1;
        this.right[j] = unit(this.seed, cell + 1, 2 + j) * 2 - 1;
      }
      const from = this.left[j] as number;
      sum += (WEIGHTS[j] as number) * (from + ((this.right[j] as number) - from) * (place - cell));
    }
    return this.middle + this.weight * sum;
  }
}

export class QuotePath {
  private readonly seed: number;
  private readonly paths: Path[];
  private readonly tick: number;
  private lastStep = -1;
  private last: Quote = { bid: 0, ask: 0 };

  /** `seed` is that of the whole simulation. */
  constructor(seed: number, listing: Listing) {
    this.seed = hash(hash(seed, seedOf(listing.seedName ?? listing.symbol)), 101);
    this.paths = listing.walks.map((walk) => new Path(seed, walk));
    this.tick = 10 ** listing.tickDecimals;
  }

  /** The quote during step `step` (epoch ms / 100). The object is good until the next call. */
  at(step: number): Quote {
    if (step === this.lastStep) return this.last;
    const log = this.paths.reduce((sum, path) => sum + path.at(step / 10), 0);
    const bid = Math.max(1, Math.floor(Math.exp(log) * this.tick));
    const chance = hash(this.seed, step, 1) & 31;
    this.last = { bid, ask: bid + (chance < 24 ? 1 : chance < 30 ? 2 : 4) };
    this.lastStep = step;
    return this.last;
  }
}
