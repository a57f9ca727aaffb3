/** Seeded order books of one coin on several exchanges, as events of crypto_orderbook. */
import type { BookEvent, BookLevel, Exchange } from '../../../schema/market.ts';
import { seeded } from './worker-platform.ts';

export interface BookFeed {
  exchange: Exchange;
  symbol: string;
  /** Price that the book wanders around. */
  price: number;
}

/** Events of all feeds, in order of time: a snapshot every `snapshotMs`, else deltas of the best levels. Epoch ms. */
export function bookEvents(
  feeds: readonly BookFeed[],
  {
    from,
    to,
    everyMs,
    snapshotMs,
    seed,
  }: { from: number; to: number; everyMs: number; snapshotMs: number; seed: number },
): BookEvent[] {
  const random = seeded(seed);
  const events: BookEvent[] = [];
  const books = feeds.map((feed) => ({ feed, sequence: 0, price: feed.price }));
  for (let at = from; at < to; at += everyMs) {
    for (const book of books) {
      const { feed } = book;
      const isSnapshot = book.sequence === 0 || (at - from) % snapshotMs === 0;
      const before = book.price;
      if (!isSnapshot) book.price = before * (1 + (random() - 0.5) / 1_000);
      const { price } = book;
      const step = feed.price / 10_000;
      const side = (direction: 1 | -1, of: number): BookLevel[] =>
        Array.from({ length: 5 }, (_, i) => [(of + direction * step * (i + 1)).toFixed(4), (1 + i).toFixed(2)]);
      const gone = (levels: BookLevel[], kept: BookLevel[]): BookLevel[] => {
        const prices = new Set(kept.map(([p]) => p));
        return levels.filter(([p]) => !prices.has(p)).map(([p]) => [p, '0']);
      };
      const [bids, asks] = [side(-1, price), side(1, price)];
      const change = (direction: 1 | -1, now: BookLevel[]) => [...gone(side(direction, before), now), ...now];
      const previousSequence = isSnapshot ? null : String(book.sequence);
      book.sequence += 1;
      events.push({
        exchange: feed.exchange,
        symbol: feed.symbol,
        type: isSnapshot ? 'snapshot' : 'delta',
        bids: isSnapshot ? bids : change(-1, bids),
        asks: isSnapshot ? asks : change(1, asks),
        sequence: String(book.sequence),
        previousSequence,
        integrity: 'SEQUENCED',
        eventTime: at,
        receivedAt: at + 5,
      });
    }
  }
  return events;
}
