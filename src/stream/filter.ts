/**
 * What a subscriber wants of a stream, and how those who want an event are found without looking at those who don't: by
 * value where a value must be equal, in order of their bounds where a figure must be high enough.
 */
import { compareDecimals } from '../../schema/decimal.ts';

/** By what the events of a question can be told apart. */
export interface FilterKeys<Body> {
  /** What may be asked to be equal, by name; null is equal to nothing. */
  readonly equal: Readonly<Record<string, (body: Body) => string | null>>;
  /** The figure that may be asked to be at least so much, as decimal text; null is less than anything. */
  readonly figure?: (body: Body) => string | null;
}

/** What one subscriber asks for; what is left out may be anything. */
export interface Wanted {
  readonly equal: Readonly<Record<string, string>>;
  /** Decimal text. */
  readonly atLeast: string | null;
}

export interface Filter<Body> {
  readonly keys: FilterKeys<Body>;
  readonly wanted: Wanted;
}

type Compare = (a: string, b: string) => number;

/** True where the event is wanted. */
export function isWanted<Body>({ keys, wanted }: Filter<Body>, body: Body): boolean {
  const { equal, atLeast } = wanted;
  if (Object.entries(equal).some(([name, value]) => keys.equal[name]?.(body) !== value)) return false;
  if (atLeast === null) return true;
  const figure = keys.figure?.(body) ?? null;
  return figure !== null && compareDecimals(figure, atLeast) >= 0;
}

/** Those who ask for the same values, by their bound: the lowest first, those without one before all. */
class Ranks<One> {
  /** Another array whenever one goes: who is called may leave, and the next one must not be passed over for that. */
  private ranks: { atLeast: string | null; ones: Set<One> }[] = [];

  constructor(private readonly compare: Compare) {}

  get isEmpty(): boolean {
    return this.ranks.length === 0;
  }

  add(one: One, atLeast: string | null): void {
    const { at, found } = this.place(atLeast);
    if (found) this.ranks[at]?.ones.add(one);
    else this.ranks.splice(at, 0, { atLeast, ones: new Set([one]) });
  }

  delete(one: One, atLeast: string | null): void {
    const { at, found } = this.place(atLeast);
    const rank = this.ranks[at];
    if (!found || !rank?.ones.delete(one)) return;
    if (rank.ones.size === 0) this.ranks = this.ranks.toSpliced(at, 1);
  }

  /** Calls with everybody whose bound the figure reaches. */
  reached(figure: string | null, call: (one: One) => void): void {
    for (const { atLeast, ones } of this.ranks) {
      if (atLeast !== null && (figure === null || this.compare(atLeast, figure) > 0)) return;
      for (const one of ones) call(one);
    }
  }

  private place(atLeast: string | null): { at: number; found: boolean } {
    let low = 0;
    let high = this.ranks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.order(this.ranks[middle]?.atLeast ?? null, atLeast) < 0) low = middle + 1;
      else high = middle;
    }
    const here = this.ranks[low];
    return { at: low, found: here !== undefined && this.order(here.atLeast, atLeast) === 0 };
  }

  private order(a: string | null, b: string | null): number {
    if (a === null || b === null) return Number(a !== null) - Number(b !== null);
    return this.compare(a, b);
  }
}

/** Finds who wants an event. What that costs grows with those who do and with the kinds of filters, not with the others. */
export class FilterIndex<Body, One> {
  /** By the names that are asked for, then by the values of those. */
  private readonly kinds = new Map<string, { names: readonly string[]; byValues: Map<string, Ranks<One>> }>();

  constructor(
    private readonly keys: FilterKeys<Body>,
    private readonly compare: Compare = compareDecimals,
  ) {}

  add(one: One, { equal, atLeast }: Wanted): void {
    const names = Object.keys(equal).sort();
    const kind = this.kinds.get(names.join()) ?? { names, byValues: new Map<string, Ranks<One>>() };
    this.kinds.set(names.join(), kind);
    const values = JSON.stringify(names.map((name) => equal[name]));
    const ranks = kind.byValues.get(values) ?? new Ranks<One>(this.compare);
    kind.byValues.set(values, ranks);
    ranks.add(one, atLeast);
  }

  /** `wanted` as it was added with. */
  delete(one: One, { equal, atLeast }: Wanted): void {
    const names = Object.keys(equal).sort();
    const kind = this.kinds.get(names.join());
    const values = JSON.stringify(names.map((name) => equal[name]));
    const ranks = kind?.byValues.get(values);
    if (!kind || !ranks) return;
    ranks.delete(one, atLeast);
    if (ranks.isEmpty) kind.byValues.delete(values);
    if (kind.byValues.size === 0) this.kinds.delete(names.join());
  }

  /** Calls with everybody who wants the event. */
  find(body: Body, call: (one: One) => void): void {
    const figure = this.keys.figure?.(body) ?? null;
    for (const { names, byValues } of this.kinds.values()) {
      const values = names.map((name) => this.keys.equal[name]?.(body) ?? null);
      if (values.includes(null)) continue;
      byValues.get(JSON.stringify(values))?.reached(figure, call);
    }
  }
}
