/**
 * What the exchanges say of their markets, kept at hand for events, which can't wait for a database. Known anew now and then;
 * one directory a database.
 */
import type { Market } from '../schema/gold/market.ts';
import { type MarketRef, marketId } from '../schema/market.ts';
import type { Postgres } from '../src/platform/postgres/postgres.ts';
import { listMarkets } from './market-store.ts';

/** Markets that are kept at the most: more than there are on all exchanges together. */
const MAX_MARKETS = 20_000;
/** How old what is known may be before it is read anew. */
const FRESH_MS = 60_000;
/** A market that is not known makes it be read anew no sooner than this after the last time. */
const PAUSE_MS = 5_000;

const directories = new WeakMap<Postgres, MarketDirectory>();

export class MarketDirectory {
  #markets = new Map<string, Market>();
  #read = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(private readonly postgres: Postgres) {}

  /** Resolves when the markets are known. Rejects with STORE_UNAVAILABLE where they never were and can't be read. */
  async ready(): Promise<this> {
    if (this.#markets.size === 0) await this.#load();
    return this;
  }

  /** What is known of a market now; null for one that is not there yet. */
  find(market: MarketRef): Market | null {
    const found = this.#markets.get(marketId(market)) ?? null;
    const age = performance.now() - this.#read;
    // what can't be read now is as it was
    if (age > (found ? FRESH_MS : PAUSE_MS)) this.#load().catch(() => {});
    return found;
  }

  #load(): Promise<void> {
    this.#reading ??= this.#list().finally(() => {
      this.#read = performance.now();
      this.#reading = null;
    });
    return this.#reading;
  }

  async #list(): Promise<void> {
    const all = await listMarkets(this.postgres, { exchange: null, base: null, quote: null }, null, MAX_MARKETS);
    this.#markets = new Map(all.map((market) => [market.id, market]));
  }
}

/** The directory of a database. */
export function marketDirectory(postgres: Postgres): MarketDirectory {
  const directory = directories.get(postgres) ?? new MarketDirectory(postgres);
  directories.set(postgres, directory);
  return directory;
}
