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

  constructor(readonly levels: readonly BookLevel[]) {}

  /** The level at a place; null behind the end. Throws RangeError where it is no decimal. */
  at(place: number): Level | null {
    const known = this.#read[place];
    if (known) return known;
    const level = this.levels[place];
    if (!level) return null;
    const read = { price: units(level[0]), quantity: units(level[1]) };
    this.#read[place] = read;
    return read;
  }

  /** All that is offered, in units of the base asset. */
  depth(): bigint {
    let sum = 0n;
    for (let i = 0; i < this.levels.length; i++) sum += this.at(i)?.quantity ?? 0n;
    return sum;
  }
}

/** Base asset (in units) that `cost` (quote asset, in units) buys from the best level on; null where the side ends before. */
export function quantityFor(side: Side, cost: Ratio): Ratio | null {
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
      return { n: quantity * d + left, d };
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
