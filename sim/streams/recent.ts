/** How many of something happened in the last while. */
export class Recent {
  private readonly times: number[] = [];
  private readonly perMs: number;

  /** Remembers what happened in the last `perMs`. */
  constructor(perMs: number) {
    this.perMs = perMs;
  }

  /** It happens now. */
  add(): void {
    this.times.push(performance.now());
  }

  /** How often it happened in the last `ms`, at most as long as is remembered. */
  count(ms = this.perMs): number {
    const now = performance.now();
    while (this.times.length > 0 && (this.times[0] as number) <= now - this.perMs) this.times.shift();
    return ms >= this.perMs ? this.times.length : this.times.filter((at) => at > now - ms).length;
  }

  /** True, and counted, where it happened less than `limit` times. */
  admit(limit: number): boolean {
    if (this.count() >= limit) return false;
    this.add();
    return true;
  }
}
