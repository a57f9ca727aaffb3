/**
 * Request weights of one caller (everybody on loopback is one IP), as rest-api.md "LIMITS" has them: a count per clock minute,
 * 429 beyond it, 418 for who goes on regardless; or either on demand.
 */

export interface Refusal {
  status: 418 | 429;
  /** Seconds. */
  retryAfter: number;
  body: string;
}

/** The next `count` requests whose path contains `path` are refused. */
export interface ForcedRefusal {
  status: 418 | 429;
  count: number;
  retryAfter: number;
  path?: string;
}

const MINUTE = 60_000;
/** Refused requests in one minute after which the caller is banned, and for how long at first. */
const PATIENCE = 50;
const BAN_MS = 120_000;

const ADVICE = 'Please use WebSocket Streams for live updates to avoid';

export class RequestWeights {
  readonly limit: number;
  /** Epoch ms. */
  readonly clock: () => number;
  private minute = 0;
  private weight = 0;
  private refused = 0;
  private bannedUntil = 0;
  private forced: ForcedRefusal[] = [];

  /** `limit` is the weight a minute; `clock` gives epoch ms. */
  constructor(limit: number, clock: () => number) {
    this.limit = limit;
    this.clock = clock;
  }

  /** Weight used in the running minute. */
  used(): number {
    this.roll();
    return this.weight;
  }

  force(refusal: ForcedRefusal): void {
    this.forced.push({ ...refusal });
  }

  /** Counts a request, and says why it is refused, or null. */
  spend(path: string, weight: number): Refusal | null {
    this.roll();
    const now = this.clock();
    const forced = this.forced.find((f) => path.includes(f.path ?? ''));
    if (forced) {
      forced.count--;
      this.forced = this.forced.filter((f) => f.count > 0);
      return refusalOf(forced.status, forced.retryAfter, this);
    }
    if (now < this.bannedUntil) return refusalOf(418, Math.ceil((this.bannedUntil - now) / 1_000), this);
    this.weight += weight;
    if (this.weight <= this.limit) return null;
    this.refused++;
    if (this.refused > PATIENCE) {
      this.bannedUntil = now + BAN_MS;
      return refusalOf(418, BAN_MS / 1_000, this);
    }
    return refusalOf(429, Math.max(1, Math.ceil(((this.minute + 1) * MINUTE - now) / 1_000)), this);
  }

  private roll(): void {
    const minute = Math.floor(this.clock() / MINUTE);
    if (minute === this.minute) return;
    this.minute = minute;
    this.weight = 0;
    this.refused = 0;
  }
}

/** A refusal for `retryAfter` seconds. Texts: errors.md, -1003 TOO_MANY_REQUESTS */
export function refusalOf(status: 418 | 429, retryAfter: number, { limit, clock }: RequestWeights): Refusal {
  const msg =
    status === 429
      ? `Too much request weight used; current limit is ${limit} request weight per 1 MINUTE. ${ADVICE} polling the API.`
      : `Way too much request weight used; IP banned until ${clock() + retryAfter * 1_000}. ${ADVICE} bans.`;
  return { status, retryAfter, body: JSON.stringify({ code: -1003, msg }) };
}
