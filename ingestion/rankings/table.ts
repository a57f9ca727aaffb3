/** Rankings from the newest figures of every market. Pure: the same figures give the same rankings. */
import { Exact } from '../../schema/decimal.ts';
import { EXCHANGES, type Exchange, type MarketRef, splitSymbol, type TickerEvent } from '../../schema/market.ts';
import { RANKING_METRICS, type RankingEvent, type RankingMetric, type RankingRow } from '../../schema/ranking.ts';

type Amount = InstanceType<typeof Exact>;
export type Ranked = Pick<RankingEvent, 'leftOut' | 'rows'>;

/** What is known of markets besides their tickers. */
export interface Known {
  /** Realised volatility over 24 h; null where it is not known. */
  volatility(market: MarketRef): number | null;
  /** Base asset → units in circulation; null without a table. */
  supply: ReadonlyMap<string, string> | null;
}

/** Figures that are this much older than the newest ones are no longer those of the last 24 hours. */
const STALE_MS = 3_600_000;
/** Decimals of what is computed: percentages and USDT. */
const PLACES = 8;
/** Digits of a statistic that is a float. */
const FLOAT_DIGITS = 12;
/** Markets of one ranking: its message stays below what a log takes (1 MiB), at 140 bytes each. */
export const MAX_RANKED = 6_000;

/** Converts amounts to USDT by the tickers' own prices. */
class Conversion {
  readonly #last: ReadonlyMap<string, string>;
  readonly #rates = new Map<string, { price: Amount; inverse: boolean } | null>();

  constructor(tickers: readonly TickerEvent[]) {
    this.#last = new Map(tickers.map((t) => [`${t.exchange} ${t.symbol}`, t.last]));
  }

  /** What an amount of `quote` on a venue is in USDT; null where no price of it is known. */
  toUsdt(amount: Amount, exchange: Exchange, quote: string): Amount | null {
    if (quote === 'USDT') return amount;
    const rate = this.#rate(exchange, quote);
    if (!rate) return null;
    return rate.inverse ? amount.div(rate.price) : amount.times(rate.price);
  }

  /** The venue's own price first, then the other venues'; where it is quoted in the asset (USDT-KRW), the inverse. */
  #rate(exchange: Exchange, quote: string): { price: Amount; inverse: boolean } | null {
    const key = `${exchange} ${quote}`;
    const known = this.#rates.get(key);
    if (known !== undefined) return known;
    const venues = [exchange, ...EXCHANGES.filter((other) => other !== exchange)];
    let found: { price: Amount; inverse: boolean } | null = null;
    for (const venue of venues) {
      const direct = this.#last.get(`${venue} ${quote}-USDT`);
      const last = direct ?? this.#last.get(`${venue} USDT-${quote}`);
      if (last === undefined) continue;
      found = { price: new Exact(last), inverse: direct === undefined };
      break;
    }
    this.#rates.set(key, found);
    return found;
  }
}

interface Figures {
  row(value: string): RankingRow;
  values: Record<RankingMetric, string | null>;
}

function figuresOf(ticker: TickerEvent, conversion: Conversion, known: Known): Figures {
  const { exchange, symbol, last, open, quoteVolume24h } = ticker;
  const { base, quote } = splitSymbol(symbol);
  const price = new Exact(last);
  const first = new Exact(open);
  const change = first.isZero() ? null : price.minus(first).div(first).times(100).toDecimalPlaces(PLACES);
  const volume = conversion.toUsdt(new Exact(quoteVolume24h), exchange, quote);
  const supply = known.supply?.get(base);
  const cap = supply === undefined ? null : conversion.toUsdt(price.times(supply), exchange, quote);
  const marketCap = cap?.toDecimalPlaces(PLACES).toFixed() ?? null;
  const volatility = known.volatility(ticker);
  const changePercent = change?.toNumber() ?? 0;
  return {
    row: (value) => [exchange, symbol, value, last, changePercent, quoteVolume24h, marketCap, ticker.eventTime],
    values: {
      CHANGE_PERCENT: change?.toFixed() ?? null,
      QUOTE_VOLUME: volume?.toDecimalPlaces(PLACES).toFixed() ?? null,
      VOLATILITY: volatility === null ? null : new Exact(volatility).toSignificantDigits(FLOAT_DIGITS).toFixed(),
      MARKET_CAP: marketCap,
    },
  };
}

interface Placed {
  row: RankingRow;
  /** The value rounded: rounding keeps the order, so that only equal ones need to be compared exactly. */
  rough: number;
}

function byName(a: RankingRow, b: RankingRow): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] < b[1] ? -1 : 1;
}

function descending(a: Placed, b: Placed): number {
  if (a.rough !== b.rough) return b.rough - a.rough;
  const [x, y] = [a.row[2], b.row[2]];
  return (x === y ? 0 : new Exact(y).comparedTo(x)) || byName(a.row, b.row);
}

/** Tickers that can be ranked: of this day by the newest of them and by our clock `now` (epoch ms), with a price. */
function usable(tickers: readonly TickerEvent[], now: number): TickerEvent[] {
  const newest = Math.min(
    now,
    tickers.reduce((latest, t) => Math.max(latest, t.eventTime), 0),
  );
  return tickers.filter((t) => t.eventTime >= newest - STALE_MS && !new Exact(t.last).isZero());
}

/** At most `MAX_RANKED` of them: those with the greatest volume. */
function bounded(figures: readonly Figures[]): readonly Figures[] {
  if (figures.length <= MAX_RANKED) return figures;
  const volume = ({ values }: Figures): number => Number(values.QUOTE_VOLUME ?? -1);
  return figures.toSorted((a, b) => volume(b) - volume(a)).slice(0, MAX_RANKED);
}

/**
 * The rankings by every metric: greatest first, equal values by exchange and symbol. A market that a metric is not known
 * of is left out of it and counted, as are those beyond `MAX_RANKED`.
 */
export function rankingsOf(tickers: readonly TickerEvent[], known: Known, now: number): Record<RankingMetric, Ranked> {
  const current = usable(tickers, now);
  const conversion = new Conversion(current);
  const figures = bounded(current.map((ticker) => figuresOf(ticker, conversion, known)));
  const ranked = RANKING_METRICS.map((metric): [RankingMetric, Ranked] => {
    const placed = figures.flatMap(({ row, values }): Placed[] => {
      const value = values[metric];
      return value === null ? [] : [{ row: row(value), rough: Number(value) }];
    });
    const rows = placed.sort(descending).map(({ row }) => row);
    return [metric, { leftOut: tickers.length - rows.length, rows }];
  });
  return Object.fromEntries(ranked) as Record<RankingMetric, Ranked>;
}
