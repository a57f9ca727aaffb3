/**
 * The pool of public requests of one caller (everybody on loopback is one IP): a weight per window of 30 s that begins with
 * the first request, told in headers of every answer; beyond it HTTP 429 with code 429000, or either on demand.
 */

export interface Refusal {
  status: number;
  body: string;
}

/** The next `count` requests whose path contains `path` are refused. */
export interface ForcedRefusal {
  count: number;
  /** HTTP status, 200 included: many of KuCoin's refusals have it. Default 429. */
  status?: number;
  /** Default "429000". */
  code?: string;
  /** Ms until the pool is full again, as the headers tell. Default: what is left of the window. */
  resetMs?: number;
  path?: string;
}

const WINDOW_MS = 30_000;

const MESSAGES: Readonly<Record<string, string>> = {
  '429000': 'Too many requests in a short period. Please retry later.',
  '500000': 'Internal server error.',
  '503000': 'Server is busy. Please retry later.',
  '400302': 'Based on your IP, services are unavailable in your region due to regulations.',
};

export class RequestPool {
  readonly limit: number;
  private readonly clock: () => number;
  private begun = 0;
  private weight = 0;
  private forced: ForcedRefusal[] = [];
  private resetMs: number | null = null;

  /** `limit` is the weight in 30 s; `clock` gives epoch ms. */
  constructor(limit: number, clock: () => number) {
    this.limit = limit;
    this.clock = clock;
  }

  /** Weight used in the running window. */
  used(): number {
    this.roll();
    return this.weight;
  }

  force(refusal: ForcedRefusal): void {
    this.forced.push({ ...refusal });
  }

  /** Counts a request, and says how it is refused, or null. */
  spend(path: string, weight: number): Refusal | null {
    this.roll();
    this.resetMs = null;
    const forced = this.forced.find((f) => path.includes(f.path ?? ''));
    if (forced) {
      forced.count--;
      this.forced = this.forced.filter((f) => f.count > 0);
      this.resetMs = forced.resetMs ?? null;
      return refusal(forced.status ?? 429, forced.code ?? '429000');
    }
    this.weight += weight;
    return this.weight <= this.limit ? null : refusal(429, '429000');
  }

  /** Of the answer to the request counted last. */
  headers(): Record<string, string> {
    return {
      'gw-ratelimit-limit': String(this.limit),
      'gw-ratelimit-remaining': String(Math.max(0, this.limit - this.weight)),
      'gw-ratelimit-reset': String(this.resetMs ?? Math.max(0, Math.ceil(this.begun + WINDOW_MS - this.clock()))),
    };
  }

  private roll(): void {
    const now = this.clock();
    if (now < this.begun + WINDOW_MS) return;
    this.begun = now;
    this.weight = 0;
  }
}

function refusal(status: number, code: string): Refusal {
  return { status, body: refusalBody(code) };
}

/** How a refusal with this code is worded. */
export function refusalBody(code: string): string {
  return JSON.stringify({ code, msg: MESSAGES[code] ?? 'Refused.' });
}
