/** The recorded order books of the benchmark: a whole book, and the changes that follow it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { BookLevel, MarketRef } from '../schema/market.ts';

const FIXTURES = fileURLToPath(new URL('../test/fixtures/', import.meta.url));

export interface Sides {
  bids: BookLevel[];
  asks: BookLevel[];
}

export interface BookRecording extends Sides {
  market: MarketRef;
  /** What was recorded, for people. */
  name: string;
  changes: Sides[];
}

function lines<T>(file: string): T[] {
  const text = gunzipSync(readFileSync(`${FIXTURES}${file}.jsonl.gz`)).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** Binance, a change every 100 ms at the most. A whole book does not name its market: it is the one the updates go on from. */
function binance(symbol: string, day: string): BookRecording {
  interface Frame {
    stream: string;
    data: { U: number; u: number; b: BookLevel[]; a: BookLevel[] };
  }
  const stream = `${symbol.replace('-', '').toLowerCase()}@`;
  const frames = lines<Frame>(`binance/binance.ws.depth_100ms.${day}`).filter((frame) =>
    frame.stream.startsWith(stream),
  );
  const [first, last] = [frames[0]?.data.U ?? 0, frames.at(-1)?.data.u ?? 0];
  const wholes = lines<Sides & { lastUpdateId: number }>(`binance/binance.rest.depth_snapshot.${day}`);
  const whole = wholes.find(({ lastUpdateId }) => lastUpdateId >= first - 1 && lastUpdateId <= last);
  if (!whole) throw new Error(`no recorded book of ${symbol}`);
  const changes = frames.map(({ data }) => data).filter(({ u }) => u > whole.lastUpdateId);
  return {
    ...{
      market: { exchange: 'BINANCE', symbol },
      name: `Binance ${symbol}, ${day}`,
      bids: whole.bids,
      asks: whole.asks,
    },
    changes: changes.map(({ b, a }) => ({ bids: b, asks: a })),
  };
}

/** KuCoin, a change for every order. The whole books stand in the order in which they were asked for. */
function kucoin(symbol: string, whole: number): BookRecording {
  type Change = [price: string, quantity: string, sequence: string];
  interface Frame {
    data: { symbol: string; sequenceEnd: number; changes: { bids: Change[]; asks: Change[] } };
  }
  const book = lines<{ data: Sides & { sequence: string } }>('kucoin/kucoin.rest.orderbook_level2_snapshot.20210425')[
    whole
  ];
  if (!book) throw new Error(`no recorded book of ${symbol}`);
  // a price of "0" only moves the sequence on
  const levels = (side: readonly Change[]) =>
    side.filter(([price]) => price !== '0').map(([price, quantity]): BookLevel => [price, quantity]);
  const frames = lines<Frame>('kucoin/kucoin.ws.market_level2.20210425').filter(({ data }) => data.symbol === symbol);
  return {
    ...{ market: { exchange: 'KUCOIN', symbol }, name: `KuCoin ${symbol}, 20210425` },
    ...{ bids: book.data.bids, asks: book.data.asks },
    changes: frames
      .filter(({ data }) => data.sequenceEnd > Number(book.data.sequence))
      .map(({ data }) => ({ bids: levels(data.changes.bids), asks: levels(data.changes.asks) })),
  };
}

/** The first is the one that everything is measured with. */
export const bookRecordings = (): [BookRecording, ...BookRecording[]] => [
  binance('BTC-USDT', '20210404'),
  binance('ETH-USDT', '20210404'),
  binance('DOT-USDT', '20210404'),
  binance('NKN-USDT', '20211011'),
  kucoin('BCHSV-USDT', 0),
];
