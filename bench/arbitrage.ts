/**
 * What spreads cost: CPU of an update of a book, from its bytes to the bytes of the spreads that it changes, and how that grows
 * with exchanges and bases; then the time from a book to the spread at a subscriber, beside the book's own.
 * `npm run bench:arbitrage [cpu|path]`.
 */
import { Floor } from '../ingestion/arbitrage/floor.ts';
import { Rates } from '../ingestion/arbitrage/rates.ts';
import { checkBook } from '../ingestion/workers/quality.ts';
import type { BookEvent, BookLevel, Exchange } from '../schema/market.ts';
import { TOPICS } from '../schema/topics.ts';
import { measurePath } from './arbitrage-path.ts';

const T = Date.UTC(2026, 0, 1);
/** The load that is aimed at. */
const PER_BOOK_A_SECOND = 100;
const SECONDS = 4;
const DEPTH = 200;

const VENUES: readonly [Exchange, quote: string, price: number][] = [
  ['BINANCE', 'USDT', 100],
  ['KUCOIN', 'USDT', 100.1],
  ['UPBIT', 'KRW', 140_000],
  ['BITHUMB', 'KRW', 140_100],
];

/** Mulberry32: small and repeatable. */
function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Messages of crypto_orderbook: a snapshot of each book, then deltas of four levels near the top, in order of time. */
function messages(exchanges: number, bases: number): { snapshots: Buffer[]; deltas: Buffer[] } {
  const random = seeded(1);
  const books: { exchange: Exchange; symbol: string; step: number; mid: number; sequence: number }[] = [];
  for (let b = 0; b < bases; b++) {
    for (const [exchange, quote, price] of VENUES.slice(0, exchanges)) {
      const mid = Math.round(price * 100 * (1 + b / 10));
      books.push({ exchange, symbol: `C${b}-${quote}`, step: price > 1_000 ? 100 : 1, mid, sequence: 1 });
    }
  }
  for (const exchange of ['UPBIT', 'BITHUMB'] as const)
    books.push({ exchange, symbol: 'USDT-KRW', step: 1, mid: 140_000, sequence: 1 });
  const level = (ticks: number): BookLevel => [(ticks / 100).toFixed(2), (0.5 + random() * 20).toFixed(4)];
  const encode = (book: (typeof books)[number], at: number, event: Partial<BookEvent>): Buffer =>
    TOPICS.orderbook.encode({
      ...{ exchange: book.exchange, symbol: book.symbol, type: 'delta', bids: [], asks: [] },
      ...{ sequence: String(book.sequence), previousSequence: String(book.sequence - 1) },
      ...{ integrity: 'SEQUENCED', eventTime: at, receivedAt: at, ...event },
    });
  const snapshots = books.map((book) => {
    const bids = Array.from({ length: DEPTH }, (_, i) => level(book.mid - book.step * (i + 1)));
    const asks = Array.from({ length: DEPTH }, (_, i) => level(book.mid + book.step * (i + 1)));
    return encode(book, T, { type: 'snapshot', bids, asks, previousSequence: null });
  });
  const deltas: Buffer[] = [];
  for (let at = T + 1_000; at < T + 1_000 + SECONDS * 1_000; at += 1_000 / PER_BOOK_A_SECOND) {
    for (const book of books) {
      book.sequence += 1;
      const near = (): number => 1 + Math.floor(random() ** 2 * 30);
      const bids = [level(book.mid - book.step * near()), level(book.mid - book.step * near())];
      deltas.push(encode(book, at, { bids, asks: [level(book.mid + book.step * near())] }));
    }
  }
  return { snapshots, deltas };
}

const cpuMs = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
};

interface Cost {
  updates: number;
  spreads: number;
  parseUs: number;
  applyUs: number;
  encodeUs: number;
}

function cost(exchanges: number, bases: number): Cost {
  const { snapshots, deltas } = messages(exchanges, bases);
  const options = { maxLegAgeMs: 10_000, maxFxAgeMs: 10_000, everyMs: 100, referenceFx: '1380', feeOf: () => '0.1' };
  const floor = new Floor({ ...options, notionals: ['1000', '10000', '100000'] }, new Rates());
  const parse = (value: Buffer): BookEvent => checkBook(TOPICS.orderbook.parse(value));
  let offset = 0n;
  for (const value of snapshots) floor.apply(parse(value), offset++);
  const spent = { parse: 0, apply: 0, encode: 0 };
  let [updates, spreads] = [0, 0];
  // as the worker does: a batch is parsed, applied, and what it says is encoded
  for (let i = 0; i < deltas.length; i += 1_000) {
    const batch = deltas.slice(i, i + 1_000);
    const warm = i > deltas.length / 4;
    let since = process.cpuUsage();
    const events = batch.map(parse);
    if (warm) spent.parse += cpuMs(since);
    since = process.cpuUsage();
    const results = events.flatMap((event) => floor.apply(event, offset++).results);
    if (warm) spent.apply += cpuMs(since);
    since = process.cpuUsage();
    for (const result of results) TOPICS.arbitrage.encode(result);
    if (!warm) continue;
    spent.encode += cpuMs(since);
    updates += batch.length;
    spreads += results.length;
  }
  const each = (ms: number): number => (ms * 1_000) / updates;
  return { updates, spreads, parseUs: each(spent.parse), applyUs: each(spent.apply), encodeUs: each(spent.encode) };
}

function measureCpu(): void {
  console.log('exchanges  bases  spreads/update  parse µs  work µs  encode µs  all µs  updates/s a core');
  const sizes = process.env.BENCH_ONE
    ? [[4, 50]]
    : [
        [2, 50],
        [3, 50],
        [4, 50],
        [4, 10],
        [4, 100],
      ];
  for (const [exchanges = 0, bases = 0] of sizes) {
    const { updates, spreads, parseUs, applyUs, encodeUs } = cost(exchanges, bases);
    const all = parseUs + applyUs + encodeUs;
    const cells = [
      exchanges,
      bases,
      (spreads / updates).toFixed(2),
      ...[parseUs, applyUs, encodeUs, all].map((n) => n.toFixed(1)),
    ];
    console.log([...cells, Math.round(1e6 / all)].map((cell) => String(cell).padStart(9)).join(' '));
  }
}

const wanted = process.argv[2] ?? 'all';
if (wanted !== 'path') measureCpu();
if (wanted !== 'cpu') await measurePath();
