/** The tokens of bullet-public: each opens one connection, within 24 hours. */
import { hash } from '../market/seeded.ts';

const LIFETIME_MS = 86_400_000;
/** Tokens nobody used that are remembered. */
const MAX_OPEN = 1_000;

export class Tokens {
  private readonly seed: number;
  private readonly clock: () => number;
  private readonly open = new Map<string, number>();
  private count = 0;

  /** `clock` gives epoch ms. */
  constructor(seed: number, clock: () => number) {
    this.seed = seed;
    this.clock = clock;
  }

  /** A new one, as long as KuCoin's and with characters that a URL must escape. */
  issue(): string {
    const n = ++this.count;
    const parts = Array.from({ length: 16 }, (_, i) => hash(this.seed, n, i).toString(36));
    const token = `2neAiuYvAU61ZDX+${parts.join('')}==.${n}`;
    this.open.set(token, this.clock());
    if (this.open.size > MAX_OPEN) this.open.delete(this.open.keys().next().value as string);
    return token;
  }

  /** Takes a token; says what is wrong with it, or null. */
  take(token: string | null): string | null {
    const issuedAt = token === null ? undefined : this.open.get(token);
    if (issuedAt === undefined) return 'token is invalid';
    this.open.delete(token as string);
    return this.clock() - issuedAt > LIFETIME_MS ? 'token is expired' : null;
  }
}
