/**
 * Requests of one caller (everybody on loopback is one address) in each group of endpoints: so many a second, 429 beyond
 * that, 418 for a growing time for who goes on regardless; or either on demand.
 */

export interface Refusal {
  status: 418 | 429;
  /** Seconds; null where the exchange says nothing. */
  retryAfter: number | null;
}

/** The next `count` requests whose path contains `path` are refused. */
export interface ForcedRefusal {
  status: 418 | 429;
  count: number;
  retryAfter: number;
  path?: string;
}

/** Refusals within a minute after which the caller is blocked, and for how long at first. */
const PATIENCE = 30;
const BLOCK_MS = 10_000;

export class RateGroups {
  readonly limit: number;
  private readonly clock: () => number;
  private readonly recent = new Map<string, number[]>();
  private refusals: number[] = [];
  private blocks = 0;
  private blockedUntil = 0;
  private forced: ForcedRefusal[] = [];

  /** `limit` requests a second and group; `clock` gives ms. */
  constructor(limit: number, clock: () => number = () => performance.now()) {
    this.limit = limit;
    this.clock = clock;
  }

  force(refusal: ForcedRefusal): void {
    this.forced.push({ ...refusal });
  }

  /** What is left of the group's second. */
  left(group: string): number {
    return Math.max(0, this.limit - this.window(group).length);
  }

  /** Counts a request, and says why it is refused, or null. */
  spend(group: string, path: string): Refusal | null {
    const now = this.clock();
    const forced = this.forced.find((f) => path.includes(f.path ?? ''));
    if (forced) {
      forced.count--;
      this.forced = this.forced.filter((f) => f.count > 0);
      return { status: forced.status, retryAfter: forced.retryAfter };
    }
    if (now < this.blockedUntil) return { status: 418, retryAfter: null };
    const window = this.window(group);
    if (window.length < this.limit) {
      window.push(now);
      return null;
    }
    this.refusals = [...this.refusals.filter((at) => at > now - 60_000), now];
    if (this.refusals.length > PATIENCE) {
      this.blockedUntil = now + BLOCK_MS * 2 ** this.blocks++;
      this.refusals = [];
    }
    return { status: 429, retryAfter: null };
  }

  private window(group: string): number[] {
    const window = this.recent.get(group) ?? [];
    this.recent.set(group, window);
    while (window.length > 0 && (window[0] as number) <= this.clock() - 1_000) window.shift();
    return window;
  }
}
