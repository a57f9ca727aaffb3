/** What tells the two exchanges apart that speak Upbit's protocol. Everything else of a stand-in is the same for both. */
import type { Trade } from '../market/tape.ts';

export type Format = 'DEFAULT' | 'SIMPLE' | 'JSON_LIST' | 'SIMPLE_LIST';

/** Spells whole units × 10^-decimals. */
export type Spelling = (units: number | bigint, decimals: number) => string;

/** An error as the exchange writes it, without what is around it. */
export interface RestError {
  status: number;
  body: string;
}

export interface Dialect {
  /** Seeds what is the exchange's own. */
  readonly name: string;
  /** Types of a subscription. */
  readonly types: readonly string[];
  /** Names of the options of a subscription; other spellings are ignored. */
  readonly options: { readonly snapshot: readonly string[]; readonly realtime: readonly string[] };
  readonly book: {
    /** Unit counts that the suffix of a code may ask for, and what anything else gives. */
    readonly counts: readonly number[];
    readonly fallback: number;
    readonly level: number;
    /** Frames of a book that did not change are sent all the same. */
    readonly repeats: boolean;
    /** `timestamp` of a book of this ms. */
    stamp(time: number): string;
    readonly price: { readonly default: Spelling; readonly simple: Spelling };
    readonly size: { readonly default: Spelling; readonly simple: Spelling };
    /** Field order of a frame: where `timestamp` and `level` stand. */
    readonly stampFirst: boolean;
  };
  readonly trade: {
    /** `sequential_id` in the stream and over REST. */
    streamId(trade: Trade): string;
    restId(trade: Trade): string;
    /** Frames of trades carry the best bid and ask. */
    readonly best: boolean;
    readonly price: Spelling;
  };
  readonly price: Spelling;
  readonly rest: {
    readonly price: Spelling;
    /** Added to `timestamp` and `trade_timestamp` of tickers. */
    readonly tickerShift: number;
    /** Offset of the zone that `to` of candles is read in when it names none. */
    readonly toOffset: number;
    /** Units of a book: for one market and for several. */
    readonly bookUnits: { readonly one: number; readonly several: number };
    /** Name of the option of /v1/market/all. */
    readonly details: string;
    /** Requests a second and group. */
    readonly perSecond: number;
    /** Headers that tell what is left of a group. */
    remaining(group: string, left: number, limit: number): Record<string, string>;
    error(name: number, message: string): RestError;
    readonly noRoute: RestError;
    /** What a market looks like in the list, besides its names. */
    readonly listed: string;
    /** Paths that this one has besides those of both. */
    readonly extras: boolean;
  };
  /** Offset of the clock that dates and "since 0h" figures follow. */
  readonly dayOffset: number;
  /** `delisting_date` where there is none. */
  readonly noDate: 'null' | '""';
  /** True where an error's message comes before its name, except for NO_TICKET. */
  readonly messageFirst: boolean;
  /** Connection attempts a second. */
  readonly connectsPerSecond: number;
}
