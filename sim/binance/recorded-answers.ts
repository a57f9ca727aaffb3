/** What REST can tell of a recording: trades and candles as far as their frames have been replayed. */
import { type KlineInterval, nextOpen } from '../market/intervals.ts';
import { page, type Range } from './source.ts';

interface TradePayload {
  a: number;
  p: string;
  q: string;
  f: number;
  l: number;
  T: number;
  m: boolean;
  M: boolean;
}

interface CandlePayload {
  t: number;
  T: number;
  i: string;
  o: string;
  h: string;
  l: string;
  c: string;
  v: string;
  q: string;
  n: number;
  V: string;
  Q: string;
  B: string;
}

export class RecordedAnswers {
  private readonly trades: TradePayload[] = [];
  /** By interval, then open time. */
  private readonly candles = new Map<string, Map<number, CandlePayload>>();

  trade(payload: TradePayload): void {
    this.trades.push(payload);
  }

  candle(k: CandlePayload): void {
    const known = this.candles.get(k.i) ?? new Map<number, CandlePayload>();
    this.candles.set(k.i, known.set(k.t, k));
  }

  /** Body of `GET /api/v3/klines`. */
  klines(interval: KlineInterval, range: Range): string {
    const found = [...(this.candles.get(interval)?.values() ?? [])]
      .sort((a, b) => a.t - b.t)
      .filter((k) => k.t >= (range.from ?? 0) && k.t <= (range.to ?? Number.POSITIVE_INFINITY));
    const rows = page(found, range).map((k) => [k.t, k.o, k.h, k.l, k.c, k.v, nextOpen(interval, k.t) - 1, k.q, k.n]);
    const takers = page(found, range).map((k) => [k.V, k.Q, k.B]);
    return JSON.stringify(rows.map((row, i) => [...row, ...(takers[i] as string[])]));
  }

  /** Body of `GET /api/v3/aggTrades`. */
  aggTrades(fromId: number | null, range: Range): string {
    const wanted = fromId === null ? range : { ...range, from: 0 };
    const found = this.trades.filter((t) => {
      if (fromId !== null) return t.a >= fromId;
      return t.T >= (range.from ?? 0) && t.T <= (range.to ?? Number.POSITIVE_INFINITY);
    });
    const rows = page(found, wanted).map(({ a, p, q, f, l, T, m, M }) => ({ a, p, q, f, l, T, m, M }));
    return JSON.stringify(rows);
  }

  /** Body of `GET /api/v3/ticker/24hr`: the day is as long as the recording. */
  ticker(symbol: string): string {
    const [first, last] = [this.trades[0], this.trades.at(-1)];
    const candle = [...(this.candles.get('1m')?.values() ?? [])].at(-1);
    const zero = '0.00000000';
    return JSON.stringify({
      symbol,
      openPrice: first?.p ?? zero,
      highPrice: candle?.h ?? zero,
      lowPrice: candle?.l ?? zero,
      lastPrice: last?.p ?? zero,
      volume: candle?.v ?? zero,
      quoteVolume: candle?.q ?? zero,
      openTime: first?.T ?? 0,
      closeTime: last?.T ?? 0,
      firstId: first?.f ?? -1,
      lastId: last?.l ?? -1,
      count: first && last ? last.l - first.f + 1 : 0,
    });
  }
}
