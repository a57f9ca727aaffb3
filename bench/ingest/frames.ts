/**
 * The frames of the benchmark: Binance's wire format as its stand-in writes it, 70 % depth, 25 % trades, 5 % candles and
 * tickers, over any number of markets. Made before the clock starts; one seed, one sequence.
 */

import { listings } from '../../sim/binance/listing.ts';
import { aggTradePayload, depthBody, depthPayload, klinePayload, tickerPayload } from '../../sim/binance/payloads.ts';
import { Book } from '../../sim/market/book.ts';
import { Candle } from '../../sim/market/candle.ts';
import { ExactSum } from '../../sim/market/exact-sum.ts';
import type { Listing } from '../../sim/market/listing.ts';
import { QuotePath } from '../../sim/market/quotes.ts';
import { hash, seedOf, sequence } from '../../sim/market/seeded.ts';
import type { Trade } from '../../sim/market/tape.ts';

const SEED = 1;
const MINUTE = 60_000;
/** Event time passes as if this many frames came a second. */
const FRAMES_PER_SECOND = 50_000;

export type FrameCounts = Record<'depth' | 'trade' | 'kline' | 'ticker', number>;

/** One market: a book, a tape, a candle and a day, each a step further with every frame. */
class MarketFrames {
  readonly listing: Listing;
  readonly #random: () => number;
  readonly #quotes: QuotePath;
  readonly #book: Book;
  readonly #volume = new ExactSum();
  readonly #quoteVolume = new ExactSum();
  #step: number;
  #candle: Candle;
  #trades = 1_000;
  #high = 0;
  #low = Number.POSITIVE_INFINITY;
  readonly #first: number;
  #klineAt = 0;
  #tickerAt = 0;

  constructor(listing: Listing, at: number) {
    const own = hash(SEED, seedOf(listing.symbol));
    this.listing = listing;
    this.#random = sequence(own);
    this.#quotes = new QuotePath(SEED, listing);
    this.#step = Math.floor(at / 100);
    const quote = this.#quotes.at(this.#step);
    this.#book = new Book(own, listing, 1, this.#step, quote);
    this.#first = quote.bid;
    this.#candle = new Candle(at - (at % MINUTE), at - (at % MINUTE) + MINUTE - 1, quote.bid);
  }

  /** Body of a REST answer with the book as it stands. */
  snapshot(): string {
    return depthBody(this.listing, this.#book.lastUpdateId, this.#book.top(1_000));
  }

  depth(at: number): string {
    const first = this.#book.lastUpdateId + 1;
    for (;;) {
      this.#step++;
      const change = this.#book.advance(this.#step, this.#quotes.at(this.#step), this.#random() < 0.3);
      if (change.bids.length + change.asks.length === 0) continue;
      return depthPayload(this.listing, { first, last: this.#book.lastUpdateId, ...change }, at);
    }
  }

  trade(at: number): string {
    const { bid, ask } = this.#quotes.at(this.#step);
    const buyerIsMaker = this.#random() < 0.5;
    const [price, quantity] = [buyerIsMaker ? bid : ask, 1 + Math.floor(this.#random() ** 3 * 100_000)];
    const id = ++this.#trades;
    const trade: Trade = { id, first: id, last: id, time: at, price, quantity, buyerIsMaker };
    if (at <= this.#candle.closeTime) this.#candle.add(trade);
    this.#volume.add(quantity);
    this.#quoteVolume.add(price * quantity);
    this.#high = Math.max(this.#high, price);
    this.#low = Math.min(this.#low, price);
    return aggTradePayload(this.listing, trade, at);
  }

  /** The running minute; where one has ended, its last frame comes first. */
  klines(at: number): string[] {
    const frames: string[] = [];
    for (; at > this.#candle.closeTime; ) {
      const { closeTime, close } = this.#candle;
      frames.push(klinePayload(this.listing, '1m', this.#candle, true, closeTime + 1));
      this.#candle = new Candle(closeTime + 1, closeTime + MINUTE, close);
    }
    this.#klineAt = Math.max(at, this.#klineAt + 1);
    frames.push(klinePayload(this.listing, '1m', this.#candle, false, this.#klineAt));
    return frames;
  }

  ticker(at: number): string {
    const { bid, ask } = this.#quotes.at(this.#step);
    this.#tickerAt = Math.max(at, this.#tickerAt + 1);
    const day = {
      ...{ open: this.#first, close: bid, previousClose: this.#first, lastQuantity: 1 },
      ...{ high: Math.max(this.#high, bid), low: Math.min(this.#low, bid) },
      ...{ volume: this.#volume.value(), quoteVolume: this.#quoteVolume.value() },
      ...{ firstTrade: 1_001, lastTrade: this.#trades },
    };
    return tickerPayload(this.listing, day, [bid, 1], [ask, 1], this.#tickerAt);
  }
}

/** A frame and which market (index) it belongs to. */
export interface Frame {
  market: number;
  bytes: Buffer;
}

/** What one read of a busy socket brings, bytes: libuv reads no more at a time. */
const BYTES_PER_READ = 65_536;

/** Where what one turn of the event loop brings ends, of `frames` from index `from` on. */
export function endOfTurn(frames: readonly Frame[], from: number): number {
  let [end, bytes] = [from, 0];
  while (end < frames.length && bytes < BYTES_PER_READ) bytes += frames[end++]?.bytes.length ?? 0;
  return end;
}

export class Frames {
  readonly markets: readonly MarketFrames[];
  readonly #random = sequence(SEED);
  #at: number;
  #made = 0;

  /** `count` markets whose clock begins at `startedAt`, epoch ms. */
  constructor(count: number, startedAt: number) {
    this.#at = startedAt;
    this.markets = listings(count).map((listing) => new MarketFrames(listing, startedAt));
  }

  /** The next `n` frames of the mix (a few more where minutes end), and how many of each kind they are. */
  next(n: number): { frames: Frame[]; counts: FrameCounts } {
    const frames: Frame[] = [];
    const counts: FrameCounts = { depth: 0, trade: 0, kline: 0, ticker: 0 };
    while (frames.length < n) {
      const at = Math.floor(this.#at + (this.#made++ * 1_000) / FRAMES_PER_SECOND);
      const market = Math.floor(this.#random() * this.markets.length);
      const source = this.markets[market] as MarketFrames;
      const kind = this.#random();
      const add = (name: keyof FrameCounts, stream: string, text: string): void => {
        counts[name]++;
        const full = `{"stream":"${source.listing.symbol.toLowerCase()}@${stream}","data":${text}}`;
        frames.push({ market, bytes: Buffer.from(full) });
      };
      if (kind < 0.7) add('depth', 'depth@100ms', source.depth(at));
      else if (kind < 0.95) add('trade', 'aggTrade', source.trade(at));
      else if (kind < 0.975) for (const text of source.klines(at)) add('kline', 'kline_1m', text);
      else add('ticker', 'ticker', source.ticker(at));
    }
    return { frames, counts };
  }
}
