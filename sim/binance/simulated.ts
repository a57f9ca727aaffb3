/** The simulated markets together: they share a clock, publish their frames, and answer for REST. */

import { type ClockOptions, MarketClock } from '../market/clock.ts';
import { type KlineInterval, nextOpen, openOf } from '../market/intervals.ts';
import type { Listing } from '../market/listing.ts';
import { Market } from '../market/market.ts';
import type { RecordOptions } from '../market/record.ts';
import { exchangeInfoBody } from './exchange-info.ts';
import { type Cadence, MarketFeed } from './feed.ts';
import { listings } from './listing.ts';
import { aggTradeRow, depthBody, klineRow, tickerRow } from './payloads.ts';
import { type Sent, sentOf } from './sent.ts';
import type { MarketSource, Publish, Range } from './source.ts';

export interface SimulatedOptions extends ClockOptions, RecordOptions {
  seed: number;
  /** Names, or how many. */
  symbols: number | string[];
  /** Scales trades and book changes. */
  rate: number;
  cadence: Cadence;
  weightLimit: number;
}

export class SimulatedMarkets implements MarketSource {
  readonly symbols: string[];
  readonly clock: MarketClock;
  private readonly options: SimulatedOptions;
  private readonly feeds = new Map<string, MarketFeed>();

  constructor(options: SimulatedOptions, publish: Publish) {
    this.options = options;
    this.clock = new MarketClock(options);
    for (const listing of listings(options.symbols)) {
      const market = new Market(options.seed, listing, options.rate, this.clock.time);
      this.feeds.set(listing.symbol, new MarketFeed(market, publish, options.cadence, options));
    }
    this.symbols = [...this.feeds.keys()];
    this.clock.start([...this.feeds.values()]);
  }

  now(): number {
    return this.clock.now();
  }

  /** What `symbol` has produced. Throws RangeError for an unknown one. */
  sent(symbol: string): Sent {
    const feed = this.feed(symbol);
    return sentOf(feed.record, feed.market.listing);
  }

  close(): void {
    this.clock.stop();
  }

  exchangeInfo(symbols: string[]): string {
    const infos = symbols.map((s) => this.listing(s));
    return exchangeInfoBody(infos, this.now(), this.options.weightLimit);
  }

  depth(symbol: string, limit: number): string {
    const { market } = this.feed(symbol);
    return depthBody(market.listing, market.book.lastUpdateId, market.book.top(limit));
  }

  klines(symbol: string, interval: KlineInterval, range: Range): string {
    const { market } = this.feed(symbol);
    const last = openOf(interval, Math.min(market.now, range.to ?? market.now));
    const opens: number[] = [];
    if (range.from === null) {
      for (let open = last; open >= market.listedAt && opens.length < range.limit; open = openOf(interval, open - 1)) {
        opens.unshift(open);
      }
    } else {
      let open = openOf(interval, Math.max(range.from, market.listedAt));
      if (open < range.from) open = nextOpen(interval, open);
      for (; open <= last && opens.length < range.limit; open = nextOpen(interval, open)) opens.push(open);
    }
    return `[${opens.map((open) => klineRow(market.listing, market.candle(interval, open))).join(',')}]`;
  }

  aggTrades(symbol: string, fromId: number | null, range: Range): string {
    const { market } = this.feed(symbol);
    const found = () => {
      if (fromId !== null) return market.tradesFrom(fromId, range.limit);
      const end = market.firstTradeAt(Math.min(market.now, (range.to ?? market.now) + 1));
      if (range.from === null) return market.tradesFrom(end - range.limit, Math.min(range.limit, end));
      if (range.from >= market.now) return [];
      const first = market.firstTradeAt(Math.max(range.from, market.listedAt));
      return market.tradesFrom(first, Math.min(range.limit, end - first));
    };
    const rows = found().map((t) => aggTradeRow(market.listing, t));
    return `[${rows.join(',')}]`;
  }

  ticker(symbol: string, mini: boolean): string {
    const { market, day } = this.feed(symbol);
    const { bids, asks } = market.book.top(1);
    return tickerRow(market.listing, day.stats(), bids[0] ?? [0, 0], asks[0] ?? [0, 0], this.now(), mini);
  }

  private feed(symbol: string): MarketFeed {
    const feed = this.feeds.get(symbol);
    if (!feed) throw new RangeError(`no such market: ${symbol}`);
    return feed;
  }

  private listing(symbol: string): Listing {
    return this.feed(symbol).market.listing;
  }
}
