/** Sums of whole units that stay exact at any size. */

// below this, the sum of two safe terms is still exact in a double
const SPILL = 2 ** 52;

/** A sum of non-negative whole numbers below 2^52 each, exact at any size. */
export class ExactSum {
  private low = 0;
  private high = 0n;

  add(units: number): void {
    this.low += units;
    if (this.low >= SPILL) {
      this.high += BigInt(this.low);
      this.low = 0;
    }
  }

  addSum(other: ExactSum): void {
    this.high += other.high;
    this.add(other.low);
  }

  subtractSum(other: ExactSum): void {
    this.high = this.value() - other.value();
    this.low = 0;
  }

  value(): bigint {
    return this.high + BigInt(this.low);
  }
}
