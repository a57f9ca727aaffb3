/** Seeded events of a few markets, straight into the topics. What they were is read back from there by the check. */
import { type ArbitrageEvent, arbitrageId } from '../../schema/arbitrage.ts';
import { type KlineEvent, openTimeOf, type TickerEvent, type TradeEvent } from '../../schema/market.ts';
import { TOPICS, type Topic } from '../../schema/topics.ts';
import type { Broker, OutgoingMessage } from '../../src/platform/broker/broker.ts';
import { seeded } from '../support/seeded.ts';

export const SYMBOLS = ['BTC-USDT', 'ETH-USDT', 'XRP-USDT', 'SOL-USDT'] as const;
/** Events a second of one market. */
const RATES = { trade: 12, ticker: 4, kline: 4, spread: 10 } as const;
export type Kind = keyof typeof RATES;
export const KINDS = Object.keys(RATES) as Kind[];
export const KIND_TOPICS = {
  ...{ trade: TOPICS.trades, ticker: TOPICS.ticker, kline: TOPICS.kline },
  spread: TOPICS.arbitrage,
} as const;
type Event = TradeEvent | TickerEvent | KlineEvent | ArbitrageEvent;
const TICK_MS = 50;

export interface Producer {
  /** Stops; resolves when everything is in the log. */
  stop(): Promise<void>;
}

/** Begins to produce. `onError` gets what the log refuses. */
export function startProducer(broker: Broker, seed: number, onError: (error: unknown) => void): Producer {
  const random = seeded(seed);
  const counts = new Map<string, number>();
  let clock = 0;
  let sending = Promise.resolve();

  const said = new Map<string, ArbitrageEvent['previous']>();

  /** One of the four spreads of a base that the producer knows, at random. */
  function spread(base: string, figure: string): ArbitrageEvent {
    const leg = { symbol: `${base}-USDT`, price: '1', levels: [], bookSequence: '1', takerFeePercent: '0', ageMs: 0 };
    const venues = random() < 0.5 ? (['BINANCE', 'KUCOIN'] as const) : (['KUCOIN', 'BINANCE'] as const);
    const now = {
      netPercent: String(Math.floor(random() * 200 - 100) / 100),
      notExecutable: random() < 0.3 ? (['THIN_BOOK'] as const).slice() : [],
    };
    const about = {
      ...{ base, buy: { ...leg, exchange: venues[0] }, sell: { ...leg, exchange: venues[1] } },
      notional: random() < 0.5 ? '1000' : '10000',
    };
    const id = arbitrageId(about);
    const previous = said.get(id) ?? null;
    said.set(id, now);
    return {
      ...{ ...about, ...now, previous, netProfit: figure, eventTime: clock, changed: true, sampled: false },
      ...{ quantity: '1', grossPercent: '0', feePercent: '0', fxRate: null, fxExchange: null },
      ...{ coinPremiumPercent: null, usdtPremiumPercent: null },
    };
  }

  /** Number n of a stream is told by a figure of the event; times never stand still. */
  function event(kind: Kind, symbol: string): Event {
    // all spreads are one stream
    const name = kind === 'spread' ? kind : `${kind} ${symbol}`;
    const n = (counts.get(name) ?? 0) + 1;
    counts.set(name, n);
    clock = Math.max(clock + 1, Date.now());
    if (kind === 'spread') return spread(symbol.split('-')[0] as string, String(n));
    const market = { exchange: 'BINANCE', symbol, eventTime: clock, receivedAt: clock } as const;
    const figure = String(n);
    if (kind === 'trade') {
      return { ...market, tradeId: figure, price: '1', quantity: figure, side: random() < 0.5 ? 'BUY' : 'SELL' };
    }
    const day = { open: '1', high: '1000000', low: '0' };
    if (kind === 'ticker') {
      return { ...market, ...day, last: figure, volume24h: '1', quoteVolume24h: '1', changePercent24h: 0 };
    }
    return {
      ...market,
      ...{ ...day, interval: 'M1', openTime: openTimeOf('M1', clock), close: figure, volume: '1', quoteVolume: '1' },
      ...{ tradeCount: 1, isClosed: false, coverage: 1 },
    };
  }

  const timer = setInterval(() => {
    for (const kind of KINDS) {
      const topic = KIND_TOPICS[kind] as Topic<Event>;
      const messages: OutgoingMessage[] = [];
      for (const symbol of SYMBOLS) {
        if (random() >= (RATES[kind] * TICK_MS) / 1_000) continue;
        const one = event(kind, symbol);
        messages.push({ key: topic.key(one), value: topic.encode(one) });
      }
      if (messages.length > 0) sending = sending.then(() => broker.send(topic.name, messages)).catch(onError);
    }
  }, TICK_MS);
  return {
    async stop() {
      clearInterval(timer);
      await sending;
    },
  };
}
