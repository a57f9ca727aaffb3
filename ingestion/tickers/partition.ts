/**
 * What is known of the markets of one partition, and what of it is to be told. Minutes and trades only add to it, in any
 * order; what gold has of a market is added before its figures are told for the first time.
 */
import { type KlineEvent, type MarketRef, marketId, type TickerEvent, type TradeEvent } from '../../schema/market.ts';
import { type LastTrade, TickerWindow } from './window.ts';

/** The figures of a market are told at most this often. */
export const TICKER_EVERY_MS = 1_000;
/** Markets whose minutes are asked for at once: up to 1,440 rows each. */
const LOAD = 10;

/** The newest trade of each market, as it is kept in a checkpoint. */
export type NewestTrades = (MarketRef & LastTrade)[];

interface Known {
  market: MarketRef;
  window: TickerWindow;
  /** False while gold was not asked. */
  isLoaded: boolean;
  /** When its figures were last told, monotonic ms. */
  toldAt: number;
}

export type LoadMinutes = (markets: readonly (MarketRef & { since: number })[]) => Promise<KlineEvent[]>;

export class TickerPartition {
  /** Offset of the first trade that is not known; null where none was read. */
  nextTrade: bigint | null = null;
  readonly #load: LoadMinutes;
  readonly #known = new Map<string, Known>();
  /** Ids of the markets whose figures may have changed since they were told. */
  readonly #changed = new Set<string>();

  constructor(load: LoadMinutes) {
    this.#load = load;
  }

  addMinutes(minutes: readonly KlineEvent[]): void {
    for (const k of minutes) {
      if (this.#of(k).window.addMinute(k)) this.#changed.add(marketId(k));
    }
  }

  addTrades(trades: readonly (MarketRef & LastTrade)[] | readonly TradeEvent[]): void {
    for (const trade of trades) {
      if (this.#of(trade).window.addTrade(trade)) this.#changed.add(marketId(trade));
    }
  }

  newestTrades(): NewestTrades {
    return [...this.#known.values()].flatMap(({ market, window }) =>
      window.trade ? [{ ...market, ...window.trade }] : [],
    );
  }

  /** Others may have put minutes into gold that were not read here. */
  forgetLoaded(): void {
    for (const [id, known] of this.#known) {
      known.isLoaded = false;
      this.#changed.add(id);
    }
  }

  /** Adds what gold has of the markets that are new here. Throws PostgresUnavailable. */
  async load(): Promise<void> {
    for (;;) {
      const wanted = [...this.#changed].flatMap((id) => this.#known.get(id) ?? []).filter((one) => !one.isLoaded);
      const some = wanted.slice(0, LOAD);
      if (some.length === 0) return;
      this.addMinutes(await this.#load(some.map(({ market, window }) => ({ ...market, since: window.from }))));
      for (const one of some) one.isLoaded = true;
    }
  }

  /** The figures that are due, with `receivedAt` (epoch ms) as their time of receipt; `now` is monotonic. */
  take(now: number, receivedAt: number): TickerEvent[] {
    const events: TickerEvent[] = [];
    for (const id of this.#changed) {
      const known = this.#known.get(id);
      if (!known?.isLoaded || now - known.toldAt < TICKER_EVERY_MS) continue;
      this.#changed.delete(id);
      const event = known.window.figures(receivedAt);
      if (!event) continue;
      known.toldAt = now;
      events.push(event);
    }
    return events;
  }

  /** These could not be told. */
  putBack(events: readonly TickerEvent[]): void {
    for (const event of events) this.#changed.add(marketId(event));
  }

  #of({ exchange, symbol }: MarketRef): Known {
    const id = marketId({ exchange, symbol });
    const market = { exchange, symbol };
    const known = this.#known.get(id) ?? {
      market,
      window: new TickerWindow(market),
      isLoaded: false,
      toldAt: Number.NEGATIVE_INFINITY,
    };
    this.#known.set(id, known);
    return known;
  }
}
