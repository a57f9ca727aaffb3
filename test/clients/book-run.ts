/** One book, many updates, and clients of every kind that keep a copy while things break. */
import assert from 'node:assert/strict';
import { streamKey } from '../../schema/channels.ts';
import { marketId } from '../../schema/market.ts';
import { BTC } from '../resolvers/samples.ts';
import { until } from '../support/until.ts';
import { BookClient } from './book-client.ts';
import { BookMarket, seeded } from './book-market.ts';
import { serve } from './served.ts';

export interface BookRun {
  updates: number;
  seed: number;
  /** Updates in one turn of the event loop. */
  perTurn: number;
  throttles: readonly number[];
  /** Called now and then. */
  onProgress?(updates: number, seen: Seen): void;
}

export interface Seen {
  events: number;
  snapshots: number;
  resumed: number;
  reset: number;
  reconnects: number;
  SLOW: number;
  THROTTLED: number;
  FEED_GAP: number;
}

const DEPTHS = [5, 20, 100];
const POLICIES = ['CONFLATE', 'DROP_WITH_GAP', 'DISCONNECT'] as const;

/** Runs it; resolves with what the clients have seen, rejects with the first promise that did not hold. */
export async function copyBooks({ updates, seed, perTurn, throttles, onProgress }: BookRun): Promise<Seen> {
  const random = seeded(seed);
  // small bounds, so that who reads slowly is served by its policy
  const served = await serve({
    SOCKET_BUFFER_BYTES: '4096',
    MAX_SUBSCRIBER_QUEUE: '20',
    RESUME_BUFFER_EVENTS: '1000',
    LOG_LEVEL: 'silent',
  });
  const market = new BookMarket(BTC, random, 2_000);
  await served.live.append([market.snapshot()]);
  const clients = DEPTHS.flatMap((depth) =>
    POLICIES.flatMap((onSlow) =>
      throttles.map((throttleMs) => new BookClient({ ...BTC, url: served.ws, depth, onSlow, throttleMs })),
    ),
  );
  const seen = (): Seen => {
    const sum = (of: (client: BookClient) => number): number => clients.reduce((n, client) => n + of(client), 0);
    return {
      events: sum((c) => c.seen.events),
      snapshots: sum((c) => c.seen.snapshots),
      resumed: sum((c) => c.seen.resumed),
      reset: sum((c) => c.seen.reset),
      reconnects: sum((c) => c.seen.connections - 1),
      SLOW: sum((c) => c.seen.missed.SLOW ?? 0),
      THROTTLED: sum((c) => c.seen.missed.THROTTLED ?? 0),
      FEED_GAP: sum((c) => c.seen.missed.FEED_GAP ?? 0),
    };
  };
  const check = (): void => {
    const broken = clients.find(({ fault }) => fault)?.fault;
    if (broken) throw broken;
  };
  const one = (): BookClient => clients[Math.floor(random() * clients.length)] as BookClient;
  try {
    for (const client of clients) client.start();
    await until('every client to have a book', () => clients.every(({ sequence }) => sequence !== null));
    for (let turn = 0; market.updates < updates; turn++) {
      const happens = random();
      const entries = Array.from({ length: perTurn }, () => market.change());
      if (happens < 0.01) entries.push(market.lose());
      else if (happens < 0.015) entries.push(market.restart());
      await served.live.append(entries);
      if (happens > 0.97) one().cut();
      else if (happens > 0.94) one().pause();
      if (random() < 0.005) await served.cut();
      // long enough for what the network holds to be full
      if (random() < 0.005) for (const client of clients) client.resume();
      await new Promise((done) => setImmediate(done));
      if (turn % 20 === 0) {
        check();
        // a beat of the clock, and time for sockets to be opened anew
        await new Promise((done) => setTimeout(done, 2));
      }
      if (turn % 2_000 === 0) onProgress?.(market.updates, seen());
    }
    for (const client of clients) client.resume();
    const [at] = await served.live.positions([streamKey('orderbook', marketId(BTC))]);
    const head = at?.sequence;
    await until(
      'every copy to be the book',
      () => {
        check();
        for (const client of clients) client.resume();
        return clients.every(({ sequence }) => sequence === head);
      },
      { timeoutMs: 20_000 },
    );
    for (const [i, client] of clients.entries()) {
      assert.equal(client.text, market.text(DEPTHS[Math.floor(i / (POLICIES.length * throttles.length))] as number));
    }
    check();
    return seen();
  } finally {
    for (const client of clients) client.stop();
    await served.stop();
  }
}
