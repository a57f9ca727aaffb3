/**
 * All desks of one partition of the order books: folds the books, tells the desks and the rates, and lets time pass. Pure:
 * time is that of the events (our clock at their receipt) until somebody says that it is later, so that the same events
 * give the same spreads, whenever they are read.
 */
import type { ArbitrageEvent, FxEvent } from '../../schema/arbitrage.ts';
import { LIVE_BOOK_DEPTH, type LiveBook } from '../../schema/live/book.ts';
import { type BookEvent, marketId, splitSymbol } from '../../schema/market.ts';
import { LiveBookFold } from '../live/book-fold.ts';
import { Desk, type DeskOptions } from './desk.ts';
import { FX_SYMBOL, fxOf, type Rates } from './rates.ts';

/** An unchanged rate is said again this often, ms: its readers see that it is not old. */
const FX_AGAIN_MS = 1_000;
/** Where nothing at all was received for this long, nothing is worked out for that time: nobody knows what was. */
const MAX_SILENCE_MS = 60_000;
/** A book without an event for this long is let go of, so that it does not hold back where reading begins again. */
const IDLE_MS = 10 * 60_000;

interface Held {
  fold: LiveBookFold;
  seenAt: number;
}

export interface Applied {
  /** What became due before the event. */
  results: ArbitrageEvent[];
  /** A rate to tell everybody. */
  rate: FxEvent | null;
}

export class Floor {
  readonly #books = new Map<string, Held>();
  readonly #desks = new Map<string, Desk>();
  readonly #said = new Map<string, FxEvent>();
  #now = 0;

  constructor(
    private readonly options: Omit<DeskOptions, 'rateFor'> & { maxFxAgeMs: number },
    private readonly rates: Rates,
  ) {}

  /** Takes the next event of the partition; one that was taken before changes nothing. */
  apply(event: BookEvent, offset: bigint): Applied {
    // of one moment everything is taken before anything is said
    const results = event.receivedAt > this.#now ? this.advance(event.receivedAt) : [];
    const id = marketId(event);
    let held = this.#books.get(id);
    if (!held) {
      held = { fold: new LiveBookFold(null), seenAt: 0 };
      this.#books.set(id, held);
    }
    held.seenAt = event.receivedAt;
    const { fold } = held;
    const { kind } = fold.fold(event, offset);
    fold.keep();
    const { base } = splitSymbol(event.symbol);
    const { exchange, symbol, receivedAt } = event;
    const { newest } = fold;
    if (!newest) return { results, rate: null };
    const torn = kind === 'held';
    this.#deskOf(base).take({
      exchange,
      symbol,
      sequence: newest.sequence,
      // an event that says nothing new still says that the book is what it was
      receivedAt: torn ? newest.receivedAt : receivedAt,
      torn,
      sides: () => fold.top(LIVE_BOOK_DEPTH),
    });
    return {
      results,
      rate: symbol === FX_SYMBOL && !torn ? this.#newRate({ ...newest, ...fold.top(1), receivedAt }) : null,
    };
  }

  /** A rate changed. */
  rateChanged(): void {
    for (const desk of this.#desks.values()) desk.rateChanged();
  }

  /** It is `clock`, epoch ms, or later where events said so: everything that became due, in order of time. */
  advance(clock: number): ArbitrageEvent[] {
    const now = Math.max(clock, this.#now);
    const from = now - this.#now > MAX_SILENCE_MS ? now : this.#now;
    this.#now = now;
    const results: ArbitrageEvent[] = [];
    for (const desk of this.#desks.values()) {
      for (let due = desk.due; due !== null && due <= now; due = desk.due) {
        const at = Math.max(due, from);
        results.push(...desk.results(at));
        // it has nothing to say of this moment, only of a later one
        if (desk.due === due) break;
      }
    }
    return results.sort((a, b) => a.eventTime - b.eventTime);
  }

  /** Where reading must begin to have the books back, given that everything before `next` is done. */
  replayFrom(next: bigint): bigint {
    let from = next;
    for (const [id, { fold, seenAt }] of this.#books) {
      if (seenAt < this.#now - IDLE_MS) this.#books.delete(id);
      else if (fold.snapshotOffset !== null && fold.snapshotOffset < from) from = fold.snapshotOffset;
    }
    return from;
  }

  #deskOf(base: string): Desk {
    const known = this.#desks.get(base);
    if (known) return known;
    const { maxFxAgeMs } = this.options;
    const rateFor: DeskOptions['rateFor'] = (exchange, now) => this.rates.rateFor(exchange, now, maxFxAgeMs);
    const desk = new Desk(base, { ...this.options, rateFor });
    this.#desks.set(base, desk);
    return desk;
  }

  #newRate(book: LiveBook): FxEvent | null {
    const rate = fxOf(book);
    if (!rate) return null;
    const said = this.#said.get(rate.exchange);
    const same = said !== undefined && said.bid === rate.bid && said.ask === rate.ask;
    if (same && rate.receivedAt - said.receivedAt < FX_AGAIN_MS) return null;
    this.#said.set(rate.exchange, rate);
    // for the books here it holds at once; the others hear of it by the topic
    if (this.rates.take(rate)) this.rateChanged();
    return rate;
  }
}
