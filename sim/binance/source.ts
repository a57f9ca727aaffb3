/** What the servers need of whatever is behind them: simulated markets or a recording. */
import type { KlineInterval } from '../market/intervals.ts';

/** Oldest and newest ms wanted (both inclusive), and how many at most. */
export interface Range {
  from: number | null;
  to: number | null;
  limit: number;
}

export interface MarketSource {
  /** Native symbols that exist. */
  readonly symbols: string[];
  /** The exchange's clock, epoch ms. */
  now(): number;
  /** Bodies as JSON text; the symbols given exist. */
  exchangeInfo(symbols: string[]): string;
  depth(symbol: string, limit: number): string;
  klines(symbol: string, interval: KlineInterval, range: Range): string;
  /** From id `fromId` on, or within the range. */
  aggTrades(symbol: string, fromId: number | null, range: Range): string;
  ticker(symbol: string, mini: boolean): string;
  /** Ends whatever it has running. */
  close(): void;
}

/** Where a source puts its frames. `payload` is only asked for when somebody listens. */
export type Publish = (stream: string, payload: () => string) => void;

/** One page of an ascending list, as Binance cuts it: from the start of the range, or without a start the newest. */
export function page<T>(ascending: T[], range: Range): T[] {
  return range.from === null ? ascending.slice(-range.limit) : ascending.slice(0, range.limit);
}
