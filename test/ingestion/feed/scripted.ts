/** What the feed tests share: an exchange on loopback that does exactly what a test says, and a log that remembers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { binance } from '../../../ingestion/exchanges/binance.ts';
import type { Connector, FeedEvent } from '../../../ingestion/exchanges/connector.ts';
import { createConnectRate } from '../../../ingestion/feed/connect-rate.ts';
import { type Feed, startFeed } from '../../../ingestion/feed/feed.ts';
import type { FeedTimes } from '../../../ingestion/feed/flow.ts';
import type { MarketProgress } from '../../../ingestion/feed/progress.ts';
import { createPublisher, type Publisher } from '../../../ingestion/feed/publish.ts';
import type { BookEvent, FeedStatusEvent, KlineEvent, MarketInfo, TradeEvent } from '../../../schema/market.ts';
import { deadLetterTopic, RAW_FRAMES, TOPICS, type Topic } from '../../../schema/topics.ts';
import { type Broker, BrokerUnavailable, type OutgoingMessage } from '../../../src/platform/broker/broker.ts';
import { createExchangeRest } from '../../../src/platform/exchange/rest.ts';
import { createLog } from '../../../src/platform/log.ts';

export const quiet = createLog(process.env.TEST_LOG_LEVEL ?? 'silent');
/** 2024-11-21 00:00 UTC: a minute begins. */
export const START = 1_732_147_200_000;

/** Random numbers 0..1 that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function marketsOf(...symbols: string[]): MarketInfo[] {
  return symbols.map((symbol) => binance.assume(symbol));
}

const BY_CHANNEL = { kline: TOPICS.kline1m, trade: TOPICS.trades, orderbook: TOPICS.orderbook, ticker: TOPICS.ticker };

export function topicOf(event: FeedEvent): Topic<FeedEvent['event']> {
  return BY_CHANNEL[event.channel] as Topic<FeedEvent['event']>;
}

/** A log that remembers what it was sent, or refuses it. */
export class RememberingBroker {
  readonly sent: { topic: string; message: OutgoingMessage }[] = [];
  /** While true every send fails; `keeps` says whether it was written all the same. */
  down = false;
  keeps = false;

  readonly port = {
    send: async (topic: string, messages: readonly OutgoingMessage[]) => {
      await new Promise(setImmediate);
      if (!this.down || this.keeps) for (const message of messages) this.sent.push({ topic, message });
      if (this.down) throw new BrokerUnavailable('down');
    },
  } as unknown as Broker;

  /** What was parsed of a topic, and how much of `sent` that took in: conditions that are waited for ask again and again. */
  readonly #parsed = new Map<string, { until: number; payloads: unknown[] }>();

  #payloads<P>(topic: Topic<P>): P[] {
    const known = this.#parsed.get(topic.name) ?? { until: 0, payloads: [] };
    this.#parsed.set(topic.name, known);
    for (; known.until < this.sent.length; known.until++) {
      const one = this.sent[known.until];
      if (one?.topic === topic.name) known.payloads.push(topic.parse(one.message.value));
    }
    return [...known.payloads] as P[];
  }
  trades = (): TradeEvent[] => this.#payloads(TOPICS.trades);
  klines = (): KlineEvent[] => this.#payloads(TOPICS.kline1m);
  books = (): BookEvent[] => this.#payloads(TOPICS.orderbook);
  status = (): FeedStatusEvent[] => this.#payloads(TOPICS.feedStatus);
  raw = () =>
    this.sent
      .filter((one) => one.topic === RAW_FRAMES.name)
      .map(({ message }) => RAW_FRAMES.parse({ value: message.value, headers: message.headers ?? {} }));
  dead = (): OutgoingMessage[] =>
    this.sent.filter((one) => one.topic === deadLetterTopic(RAW_FRAMES.name)).map((one) => one.message);
  tradeIds = (): number[] => this.trades().map((trade) => Number(trade.tradeId));
}

interface RestTrade {
  a: number;
  p: string;
  q: string;
  T: number;
  m: boolean;
}

/** Speaks as much of Binance as the feed uses. */
export class ScriptedExchange {
  readonly sockets: WebSocket[] = [];
  readonly connectedAt: number[] = [];
  readonly requests: string[] = [];
  /** What REST knows. */
  readonly trades: RestTrade[] = [];
  readonly candles: unknown[][] = [];
  book: { lastUpdateId: number; bids: string[][]; asks: string[][] } = {
    lastUpdateId: 100,
    bids: [['9', '1']],
    asks: [['11', '1']],
  };
  /** Answers with this instead, where it returns something. */
  refuse: (path: string) => { status: number; retryAfter?: number } | null = () => null;
  /** Holds back REST answers until it resolves. */
  hold: Promise<void> = Promise.resolve();
  /** Refuses WebSocket handshakes with this status. */
  refuseUpgrade: { status: number; retryAfter: number } | null = null;
  now = START + 10_000;
  #server = createServer((request, response) => void this.#answer(request, response));
  #streams = new WebSocketServer({ noServer: true });

  get url(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  get open(): WebSocket[] {
    return this.sockets.filter((socket) => socket.readyState === socket.OPEN);
  }

  async start(): Promise<this> {
    this.#server.on('upgrade', (request, socket: Socket, head) => {
      this.connectedAt.push(performance.now());
      if (this.refuseUpgrade) {
        const { status, retryAfter } = this.refuseUpgrade;
        socket.end(`HTTP/1.1 ${status} Refused\r\nretry-after: ${retryAfter}\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      this.#streams.handleUpgrade(request, socket, head, (webSocket) => this.sockets.push(webSocket));
    });
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.requests.push(path);
    const refused = this.refuse(path);
    await this.hold;
    if (refused) {
      if (refused.retryAfter !== undefined) response.setHeader('retry-after', refused.retryAfter);
      response.writeHead(refused.status);
      return void response.end('{"code":-1003,"msg":"Too many requests."}');
    }
    const { pathname, searchParams } = new URL(path, 'http://x.invalid');
    const number = (name: string): number => Number(searchParams.get(name));
    const limit = number('limit');
    const bodies: Record<string, () => unknown> = {
      '/api/v3/depth': () => this.book,
      '/api/v3/aggTrades': () => this.trades.filter((t) => t.a >= number('fromId')).slice(0, limit),
      '/api/v3/klines': () =>
        this.candles
          .filter(([t]) => Number(t) >= number('startTime') && Number(t) <= number('endTime'))
          .slice(0, limit),
    };
    const body = bodies[pathname];
    response.writeHead(body ? 200 : 404).end(JSON.stringify(body?.() ?? {}));
  }

  send(text: string, to: readonly WebSocket[] = this.open): void {
    for (const socket of to) socket.send(text);
  }

  #event(stream: string, data: object, to?: readonly WebSocket[]): void {
    this.send(JSON.stringify({ stream: `btcusdt@${stream}`, data: { E: this.now, s: 'BTCUSDT', ...data } }), to);
  }

  /** A trade happens; REST knows it, and it is sent unless `missed`. */
  trade(a: number, { missed = false, to }: { missed?: boolean; to?: readonly WebSocket[] } = {}): void {
    const trade = { a, p: '10', q: '1', T: this.now, m: false };
    if (!this.trades.some((one) => one.a === a)) this.trades.push(trade);
    if (!missed) this.#event('aggTrade', { e: 'aggTrade', f: a, l: a, M: true, ...trade }, to);
  }

  /** A candle frame of the minute `n` after START. */
  kline(n: number, x: boolean, { v = '1', missed = false }: { v?: string; missed?: boolean } = {}): void {
    const t = START + n * 60_000;
    const k = {
      t,
      T: t + 59_999,
      s: 'BTCUSDT',
      i: '1m',
      f: 1,
      L: 1,
      o: '10',
      c: '10',
      h: '10',
      l: '10',
      v,
      n: 1,
      x,
      q: '10',
    };
    if (x) this.candles.push([t, '10', '10', '10', '10', v, t + 59_999, '10', 1, '0', '0', '0']);
    if (!missed) this.#event('kline_1m', { e: 'kline', k });
  }

  depth(U: number, u: number, b: string[][] = [], a: string[][] = [], to?: readonly WebSocket[]): void {
    this.#event('depth@100ms', { e: 'depthUpdate', U, u, b, a }, to);
  }

  ticker(c = '10'): void {
    this.#event('ticker', { e: '24hrTicker', c, o: '9', h: '11', l: '8', v: '5', q: '50', P: '11.1' });
  }
}

/** Where a market stands that nothing is known of. */
export function noProgress(known: Partial<MarketProgress> = {}): MarketProgress {
  return {
    lastTrade: null,
    knownUntil: null,
    kept: { firstTrade: null, tradeHoles: [], klineHoles: [] },
    save: async () => {},
    ...known,
  };
}

export interface Scripted {
  exchange: ScriptedExchange;
  log: RememberingBroker;
  publisher: Publisher;
  feed: Feed;
  progress: MarketProgress;
  lease: { held: boolean };
  stop(): Promise<void>;
}

/** A feed of BTC-USDT on a scripted exchange, with short times. */
export async function startScripted(
  options: {
    progress?: Partial<MarketProgress>;
    times?: Partial<FeedTimes>;
    connector?: Partial<Connector>;
    maxBytes?: number;
    prepare?: (exchange: ScriptedExchange) => void;
  } = {},
): Promise<Scripted> {
  const exchange = await new ScriptedExchange().start();
  options.prepare?.(exchange);
  const log = new RememberingBroker();
  const publisher = createPublisher(log.port, options.maxBytes ?? 50_000_000, quiet);
  const connector = { ...binance, ...options.connector };
  const [market] = marketsOf('BTC-USDT') as [MarketInfo];
  const progress = noProgress(options.progress);
  const lease = { held: true };
  const feed = startFeed({
    connector,
    markets: [market],
    progress: new Map([[market.symbol, progress]]),
    ws: `ws://${exchange.url}`,
    rest: createExchangeRest({ base: `http://${exchange.url}`, timeoutMs: 2_000, weight: 6_000, perMs: 60_000 }),
    publisher,
    connectRate: createConnectRate({ count: 100, perMs: 1_000 }),
    held: () => lease.held,
    name: 'test',
    times: {
      ...{ staleMs: 1_500, backfillMs: 3 * 60_000, patienceMs: 3_000, repairMs: 200, snapshotMs: 50_000 },
      ...{ overlapMs: 200, readyMs: 2_000, ...options.times },
    },
    log: quiet,
  });
  return {
    ...{ exchange, log, publisher, feed, progress, lease },
    async stop() {
      await feed.stop();
      await publisher.stop(1_000);
      await exchange.stop();
    },
  };
}
