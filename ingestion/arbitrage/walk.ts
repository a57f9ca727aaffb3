/** What a taker gets for walking one side of a book, level by level. Exact: amounts are fractions of units (see fixed.ts). */
import type { BookLevel } from '../../schema/market.ts';
import { ONE, type Ratio, units } from './fixed.ts';

/** A level in units: price in the quote asset, quantity in the base asset. */
interface Level {
  readonly price: bigint;
  readonly quantity: bigint;
}

/** One side of a book, best first. Levels are read as numbers once, and only as deep as somebody walks. */
export class Side {
  readonly #read: Level[] = [];
  readonly #bought = new Map<string, Bought | null>();

  /** `levels` stay as they are for as long as this is used; those beyond `depth` do not count. */
  constructor(
    readonly levels: readonly BookLevel[],
    private readonly depth = Number.POSITIVE_INFINITY,
  ) {}

  /** The level at a place; null behind the end. Throws RangeError where it is no decimal. */
  at(place: number): Level | null {
    const known = this.#read[place];
    if (known) return known;
    const level = place < this.depth ? this.levels[place] : undefined;
    if (!level) return null;
    const read = { price: units(level[0]), quantity: units(level[1]) };
    this.#read[place] = read;
    return read;
  }

  /** All that is offered, in units of the base asset. */
  offered(): bigint {
    let sum = 0n;
    for (let i = 0; ; i++) {
      const level = this.at(i);
      if (level === null) return sum;
      sum += level.quantity;
    }
  }

  /**
   * What `cost` (quote asset, in units) buys from the best level on; null where the side ends before. Everyone who buys here
   * for as much is answered once: `name` says which cost it is.
   */
  bought(name: string, cost: Ratio): Bought | null {
    let known = this.#bought.get(name);
    if (known === undefined) {
      known = buy(this, cost);
      this.#bought.set(name, known);
    }
    return known;
  }
}

/** What was bought for a cost. */
export interface Bought extends Walk {
  /** Base asset, in units. */
  readonly quantity: Ratio;
}

function buy(side: Side, cost: Ratio): Bought | null {
  let quantity = 0n;
  // price × quantity has the scale of units²
  let left = cost.n * ONE;
  for (let i = 0; ; i++) {
    const level = side.at(i);
    if (level === null) return null;
    const whole = level.price * level.quantity * cost.d;
    if (left <= whole) {
      // the rest comes from this level: left / (price × cost.d)
      const d = level.price * cost.d;
      return { quantity: { n: quantity * d + left, d }, value: cost, levels: i + 1 };
    }
    left -= whole;
    quantity += level.quantity;
  }
}

export interface Walk {
  /** Quote asset that changes hands, in units. */
  readonly value: Ratio;
  /** Levels touched, from the best on. */
  readonly levels: number;
}

/** What `quantity` (base asset, in units) costs or brings from the best level on; null where the side ends before. */
export function walk(side: Side, { n, d }: Ratio): Walk | null {
  let left = n;
  let value = 0n;
  for (let i = 0; ; i++) {
    const level = side.at(i);
    if (level === null) return null;
    const whole = level.quantity * d;
    if (left <= whole) return { value: { n: value + level.price * left, d: d * ONE }, levels: i + 1 };
    value += level.price * whole;
    left -= whole;
  }
}
