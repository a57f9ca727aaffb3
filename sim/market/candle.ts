/** A candle folded from trades, exact, in ticks and lots. */
import { ExactSum } from './exact-sum.ts';
import type { Trade } from './tape.ts';

export class Candle {
  /** First and last ms. */
  readonly openTime: number;
  readonly closeTime: number;
  open: number;
  high: number;
  low: number;
  close: number;
  /** First and last raw trade id; -1 before the first trade. */
  first = -1;
  last = -1;
  /** Raw trades. */
  count = 0;
  readonly volume = new ExactSum();
  readonly quoteVolume = new ExactSum();
  readonly takerVolume = new ExactSum();
  readonly takerQuoteVolume = new ExactSum();

  /** An empty candle stands at the price before it. */
  constructor(openTime: number, closeTime: number, previousClose: number) {
    this.openTime = openTime;
    this.closeTime = closeTime;
    this.open = this.high = this.low = this.close = previousClose;
  }

  add(trade: Trade): void {
    if (this.count === 0) {
      this.open = this.high = this.low = trade.price;
      this.first = trade.first;
    } else if (trade.price > this.high) this.high = trade.price;
    else if (trade.price < this.low) this.low = trade.price;
    this.close = trade.price;
    this.last = trade.last;
    this.count += trade.last - trade.first + 1;
    const value = trade.price * trade.quantity;
    this.volume.add(trade.quantity);
    this.quoteVolume.add(value);
    if (!trade.buyerIsMaker) {
      this.takerVolume.add(trade.quantity);
      this.takerQuoteVolume.add(value);
    }
  }

  /** Adds a later candle that lies within this one. */
  addCandle(later: Candle): void {
    if (later.count === 0) return;
    if (this.count === 0) {
      this.open = later.open;
      this.high = later.high;
      this.low = later.low;
      this.first = later.first;
    } else {
      this.high = Math.max(this.high, later.high);
      this.low = Math.min(this.low, later.low);
    }
    this.close = later.close;
    this.last = later.last;
    this.count += later.count;
    this.volume.addSum(later.volume);
    this.quoteVolume.addSum(later.quoteVolume);
    this.takerVolume.addSum(later.takerVolume);
    this.takerQuoteVolume.addSum(later.takerQuoteVolume);
  }
}
