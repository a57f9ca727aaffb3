/**
 * Order books of the oracle: seeded books go into the topic, and clients written from the guide keep copies. What a copy is
 * compared with is the producer's own book; the checksum of every event is compared by the client itself.
 */
import type { BookEvent } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { Broker } from '../../src/platform/broker/broker.ts';
import { BookClient } from '../clients/book-client.ts';
import { BookMarket, seeded } from '../clients/book-market.ts';

const SYMBOLS = ['BTC-USDT', 'ETH-USDT'] as const;
const DEPTHS = [5, 20] as const;
const POLICIES = ['CONFLATE', 'DROP_WITH_GAP', 'DISCONNECT'] as const;
const THROTTLES = [0, 0, 250] as const;
const EVERY_MS = 125;
/** A whole book every so many events. */
const WHOLE = 24;
const MAX_PAUSE_MS = 9_000;

export interface BooksOptions {
  broker: Broker;
  /** Where clients connect to, any of them each time. */
  urls: readonly string[];
  seed: number;
  /** Gets what the log refuses. */
  onError(error: unknown): void;
}

/** Begins to produce and to follow. */
export function startBooks({ broker, urls, seed, onError }: BooksOptions) {
  const markets = SYMBOLS.map(
    (symbol, i) => new BookMarket({ exchange: 'BINANCE', symbol }, seeded(seed * 31 + i), 20_000),
  );
  /** The text of each book at each time, by depth. */
  const truth = new Map<string, ReadonlyMap<number, string>>();
  const newest = new Map<string, string>();
  const wrong: string[] = [];
  const lastHeard = new Map<BookClient, string>();
  let clock = 0;
  let turn = 0;
  let sending = Promise.resolve();

  function event(market: BookMarket): BookEvent {
    const isWhole = turn % WHOLE === 0;
    const { payload } = isWhole ? market.snapshot() : market.change();
    const { previousSequence, ...made } = JSON.parse(payload) as BookEvent;
    clock = Math.max(clock + 1, Date.now());
    const { symbol } = market.market;
    const time = new Date(clock).toISOString();
    truth.set(`${symbol} ${time}`, new Map(DEPTHS.map((depth) => [depth, market.text(depth)])));
    newest.set(symbol, time);
    return { ...made, previousSequence: isWhole ? null : previousSequence, eventTime: clock, receivedAt: clock };
  }

  const { name, key, encode } = TOPICS.orderbook;
  const timer = setInterval(() => {
    const messages = markets.map(event).map((one) => ({ key: key(one), value: encode(one) }));
    turn += 1;
    sending = sending.then(() => broker.send(name, messages)).catch(onError);
  }, EVERY_MS);

  const clients = SYMBOLS.flatMap((symbol) =>
    DEPTHS.flatMap((depth) =>
      POLICIES.map((onSlow, i) => {
        const throttleMs = THROTTLES[i] as number;
        const client: BookClient = new BookClient({
          ...{ url: urls, exchange: 'BINANCE', symbol, depth, onSlow, throttleMs, retryMs: 200 },
          onEvent(_, time) {
            lastHeard.set(client, time);
            const right = truth.get(`${symbol} ${time}`)?.get(depth);
            if (client.text !== right) wrong.push(`${symbol} ${depth} ${onSlow}: another book at ${time}`);
          },
        });
        client.start();
        return { client, symbol };
      }),
    ),
  );

  return {
    clients: clients.map(({ client }) => client),
    haveBegun: (): boolean => clients.every(({ client }) => lastHeard.has(client)),
    /** True where every copy is of the newest book. */
    areThere: (): boolean => clients.every(({ client, symbol }) => lastHeard.get(client) === newest.get(symbol)),
    /** Some of them read nothing for a while. */
    pauseSome(random: () => number): void {
      for (const { client } of clients) {
        if (random() >= 0.03) continue;
        client.pause();
        setTimeout(() => client.resume(), 1_000 + random() * (MAX_PAUSE_MS - 1_000));
      }
    },
    /** Stops to produce; resolves when everything is in the log. */
    async stop(): Promise<void> {
      clearInterval(timer);
      await sending;
    },
    /** What does not hold, in words. */
    problems(): string[] {
      const faults = clients.flatMap(({ client }) => (client.fault ? [client.fault.message] : []));
      const late = clients.filter(({ client, symbol }) => lastHeard.get(client) !== newest.get(symbol));
      return [...faults, ...wrong.slice(0, 10), ...late.map(({ symbol }) => `a copy of ${symbol} is not at the end`)];
    },
    tally() {
      const sum = (of: (client: BookClient) => number) => clients.reduce((n, { client }) => n + of(client), 0);
      const seen = (name: 'events' | 'snapshots' | 'resumed' | 'reset') => sum((client) => client.seen[name]);
      return { events: seen('events'), snapshots: seen('snapshots'), resumed: seen('resumed'), reset: seen('reset') };
    },
  };
}
