/**
 * The books of one base asset on every market that can be compared, and the spreads between them. Pure: it is told what
 * time it is. A pair is worked out when one of its books or its rate has changed, at most every `everyMs`, and once a
 * second for the averages, when nothing happens too: that is also how a leg turns stale.
 */
import type { ArbitrageEvent, ArbitrageLeg, FxEvent, NotExecutableReason } from '../../schema/arbitrage.ts';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../schema/live/book.ts';
import { type Exchange, type MarketRef, marketId, splitSymbol } from '../../schema/market.ts';
import { premiumOf } from './premium.ts';
import { isQuote, type LegBook, type Quote, type SpreadResult, spreadOf } from './spread.ts';
import { Side } from './walk.ts';

export interface DeskOptions {
  /** USDT, decimals; the ladder of sizes. */
  notionals: readonly string[];
  /** A book older than this is stale, ms. */
  maxLegAgeMs: number;
  /** A rate older than this is stale, ms. */
  maxFxAgeMs: number;
  /** Least time between two results of a pair, ms. */
  everyMs: number;
  /** KRW per USD that premiums are measured against; null where none is set. */
  referenceFx: string | null;
  /** Taker's fee in percent; null for a market that is not known (yet): it takes no part. */
  feeOf(market: MarketRef): string | null;
  /** The rate for a leg in KRW on an exchange; null where there is none. */
  rateFor(exchange: Exchange, now: number): FxEvent | null;
}

/** What became of a market's book. */
export interface BookNews extends MarketRef {
  sequence: string;
  /** Our clock, epoch ms. */
  receivedAt: number;
  /** Events before it are missing, and nothing has mended that yet. */
  torn: boolean;
  /** The levels, asked for only when a spread is worked out; they hold until the market's next news. */
  sides(): Readonly<Pick<LiveBook, 'bids' | 'asks'>>;
}

interface Market extends MarketRef {
  quote: Quote;
  news: BookNews;
  /** Of `news`; null until they are needed. */
  sides: { bids: Side; asks: Side } | null;
}

interface Pair {
  buy: Market;
  sell: Market;
  /** Something of it changed since it was worked out. */
  dirty: boolean;
  /** When it was worked out because of news, ms. */
  at: number;
  /** The second it was sampled in, ms. */
  second: number;
  /** Newest result of each notional. */
  said: Map<string, ArbitrageEvent>;
}

const SECOND = 1_000;

export class Desk {
  readonly #markets = new Map<string, Market>();
  #pairs: Pair[] = [];

  constructor(
    readonly base: string,
    private readonly options: DeskOptions,
  ) {}

  /** Takes a market's newest book. */
  take(news: BookNews): void {
    const { exchange, symbol, receivedAt } = news;
    const { quote } = splitSymbol(symbol);
    if (!isQuote(quote)) return;
    const id = marketId(news);
    const known = this.#markets.get(id);
    if (known) {
      known.news = news;
      known.sides = null;
      for (const pair of this.#pairs) if (pair.buy === known || pair.sell === known) pair.dirty = true;
      return;
    }
    const market: Market = { exchange, symbol, quote, news, sides: null };
    const at = receivedAt - this.options.everyMs;
    for (const other of this.#markets.values()) {
      if (other.exchange === exchange) continue;
      this.#pairs.push(newPair(market, other, at), newPair(other, market, at));
    }
    this.#markets.set(id, market);
  }

  /** A market is not followed any more. */
  drop(market: MarketRef): void {
    const gone = this.#markets.get(marketId(market));
    if (!gone) return;
    this.#markets.delete(marketId(market));
    this.#pairs = this.#pairs.filter(({ buy, sell }) => buy !== gone && sell !== gone);
  }

  /** A rate changed. */
  rateChanged(): void {
    for (const pair of this.#pairs) if (inKrw(pair)) pair.dirty = true;
  }

  /** When the next result is due, epoch ms, if nothing happens before; null without a pair. */
  get due(): number | null {
    let due: number | null = null;
    for (const { dirty, at, second } of this.#pairs) {
      const allowed = at + this.options.everyMs;
      const next = dirty ? allowed : Math.max(allowed, second + SECOND);
      if (due === null || next < due) due = next;
    }
    return due;
  }

  /** What is due at `now`, epoch ms. */
  results(now: number): ArbitrageEvent[] {
    const second = now - (now % SECOND);
    const found: ArbitrageEvent[] = [];
    for (const pair of this.#pairs) {
      const sampled = second > pair.second;
      if (!(pair.dirty || sampled) || now - pair.at < this.options.everyMs) continue;
      let news = pair.dirty;
      pair.dirty = false;
      pair.second = second;
      for (const notional of this.options.notionals) {
        const event = this.#resultOf(pair, notional, now, sampled);
        if (!event) continue;
        pair.said.set(notional, event);
        news ||= event.changed;
        if (event.changed || sampled) found.push(event);
      }
      // a sample that says the same again holds up nobody
      if (news) pair.at = now;
    }
    return found;
  }

  #resultOf(pair: Pair, notional: string, now: number, sampled: boolean): ArbitrageEvent | null {
    const { buy, sell } = pair;
    const { maxLegAgeMs, maxFxAgeMs, feeOf } = this.options;
    const [buyFee, sellFee] = [feeOf(buy), feeOf(sell)];
    if (buyFee === null || sellFee === null) return null;
    const fx = this.#fxOf(pair, now);
    const reasons: NotExecutableReason[] = [];
    if (now - buy.news.receivedAt > maxLegAgeMs || now - sell.news.receivedAt > maxLegAgeMs) reasons.push('STALE_LEG');
    const spread = spreadOf(
      legBook(buy, sidesOf(buy).asks, buyFee),
      legBook(sell, sidesOf(sell).bids, sellFee),
      notional,
      fx?.mid ?? null,
    );
    if (!spread || spread.thin) reasons.push('THIN_BOOK');
    if (buy.news.torn || sell.news.torn) reasons.push('FEED_GAP');
    if (inKrw(pair) && (fx === null || Math.abs(now - fx.receivedAt) > maxFxAgeMs)) reasons.push('STALE_FX');
    const before = pair.said.get(notional);
    const previous = before ? { netPercent: before.netPercent, notExecutable: before.notExecutable } : null;
    const timing = { notExecutable: reasons, previous, eventTime: now, sampled };
    if (!spread) {
      // what was true last, and that it is no longer to be had
      if (!before) return null;
      const [b, s] = [withAge(before.buy, buy, now), withAge(before.sell, sell, now)];
      const gone = { ...before, ...timing, buy: b, sell: s };
      return { ...gone, changed: differs(before, gone) };
    }
    const event: ArbitrageEvent = {
      base: this.base,
      buy: legOf(buy, spread.buy, buyFee, now),
      sell: legOf(sell, spread.sell, sellFee, now),
      notional,
      quantity: spread.quantity,
      grossPercent: spread.grossPercent,
      feePercent: spread.feePercent,
      netPercent: spread.netPercent,
      netProfit: spread.netProfit,
      fxRate: fx?.mid ?? null,
      fxExchange: fx?.exchange ?? null,
      ...this.#premiumOf(pair, spread, fx),
      ...timing,
      changed: true,
    };
    event.changed = before === undefined || differs(before, event);
    return event;
  }

  /** The rate of the leg in KRW; of two such legs that of the one that buys. */
  #fxOf(pair: Pair, now: number): FxEvent | null {
    if (!inKrw(pair)) return null;
    const { buy, sell } = pair;
    return this.options.rateFor(buy.quote === 'KRW' ? buy.exchange : sell.exchange, now);
  }

  #premiumOf(
    { buy, sell }: Pair,
    spread: SpreadResult,
    fx: FxEvent | null,
  ): Pick<ArbitrageEvent, 'coinPremiumPercent' | 'usdtPremiumPercent'> {
    if (!fx || buy.quote === sell.quote) return { coinPremiumPercent: null, usdtPremiumPercent: null };
    const { referenceFx } = this.options;
    const krw = buy.quote === 'KRW' ? spread.buy.price : spread.sell.price;
    const usdt = buy.quote === 'KRW' ? spread.sell.price : spread.buy.price;
    const { coinPercent, usdtPercent } = premiumOf(krw, usdt, fx.mid, referenceFx ?? fx.mid);
    return { coinPremiumPercent: coinPercent, usdtPremiumPercent: referenceFx === null ? null : usdtPercent };
  }
}

function newPair(buy: Market, sell: Market, at: number): Pair {
  return { buy, sell, dirty: true, at, second: at - (at % SECOND) - SECOND, said: new Map() };
}

function sidesOf(market: Market): { bids: Side; asks: Side } {
  if (!market.sides) {
    const { bids, asks } = market.news.sides();
    market.sides = { bids: new Side(bids, LIVE_BOOK_DEPTH), asks: new Side(asks, LIVE_BOOK_DEPTH) };
  }
  return market.sides;
}

function inKrw({ buy, sell }: Pair): boolean {
  return buy.quote === 'KRW' || sell.quote === 'KRW';
}

function legBook({ exchange, quote }: Market, side: Side, feePercent: string): LegBook {
  return { exchange, quote, side, feePercent };
}

function legOf(
  { exchange, symbol, news: { sequence, receivedAt } }: Market,
  { price, levels }: SpreadResult['buy'],
  takerFeePercent: string,
  now: number,
): ArbitrageLeg {
  return {
    exchange,
    symbol,
    price,
    levels,
    bookSequence: sequence,
    takerFeePercent,
    ageMs: Math.max(0, now - receivedAt),
  };
}

function withAge(leg: ArbitrageLeg, { news: { receivedAt } }: Market, now: number): ArbitrageLeg {
  return { ...leg, ageMs: Math.max(0, now - receivedAt) };
}

/** True where the numbers or the reasons differ; ages, and updates of levels that nobody would take, say nothing new. */
function differs(a: ArbitrageEvent, b: ArbitrageEvent): boolean {
  return (
    a.netPercent !== b.netPercent ||
    a.grossPercent !== b.grossPercent ||
    a.quantity !== b.quantity ||
    a.fxRate !== b.fxRate ||
    a.usdtPremiumPercent !== b.usdtPremiumPercent ||
    a.notExecutable.join() !== b.notExecutable.join()
  );
}
