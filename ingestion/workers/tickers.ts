/**
 * crypto_kline_1m and crypto_trades → crypto_ticker: the 24 h figures of every market, out of its own minutes and its newest
 * trade. The only producer of crypto_ticker.
 *
 * What is read only adds to what is known; a timer tells it, at most once a second a market. Minutes are in gold as far as
 * the worker `klines` says, so reading them begins there; the newest trades are in this worker's own checkpoint.
 */
import type { KlineEvent, TickerEvent, TradeEvent } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { loadMinutesSince } from '../gold/kline.ts';
import { type NewestTrades, TickerPartition } from '../tickers/partition.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { klines } from './klines.ts';
import { logId } from './log-id.ts';
import { checkMinute, checkTrade } from './quality.ts';
import { StaleBatch } from './stale.ts';
import type { Source, Worker } from './worker.ts';

const GROUP = 'tickers';
/** How often it is looked what is to be told. */
const LOOK_MS = 200;
/** The next try after one that failed. */
const AGAIN_MS = 1_000;
/** Nothing is told between two looks. */
const GATHER_MS = LOOK_MS / 4;
/** So much of the trades is read again after a crash. */
const SAVE_MS = 5_000;

/** One partition number of both topics. */
interface Held {
  known: TickerPartition;
  minutes: boolean;
  trades: boolean;
  busy: boolean;
  /** Monotonic ms. */
  nextLook: number;
  savedAt: number;
  savedNext: bigint | null;
}

function open(platform: Platform): Source[] {
  const { broker, postgres } = platform;
  const log = platform.log.child({ group: GROUP });
  const held = new Map<number, Held>();
  let timer: NodeJS.Timeout | undefined;

  function at(partition: number): Held {
    const known = held.get(partition) ?? {
      known: new TickerPartition((markets) => loadMinutesSince(postgres, markets)),
      ...{ minutes: false, trades: false, busy: false, nextLook: 0, savedAt: 0, savedNext: null },
    };
    held.set(partition, known);
    timer ??= setInterval(look, LOOK_MS).unref();
    return known;
  }

  function revoked(partition: number, half: 'minutes' | 'trades'): void {
    const one = held.get(partition);
    if (!one) return;
    one[half] = false;
    if (!one.minutes && !one.trades) held.delete(partition);
    if (held.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function look(): void {
    const now = performance.now();
    for (const [partition, one] of held) {
      // what a half alone knows may be old
      if (!one.minutes || !one.trades || one.busy || now < one.nextLook) continue;
      one.busy = true;
      tell(partition, one)
        .catch((error) => {
          one.nextLook = performance.now() + AGAIN_MS;
          log.warn({ err: error, partition }, 'tickers not told yet');
        })
        .finally(() => {
          one.busy = false;
        });
    }
  }

  async function tell(partition: number, one: Held): Promise<void> {
    const { known } = one;
    // markets that are known already need not wait for the others
    const [loaded] = await Promise.allSettled([known.load()]);
    await send(known, known.take(performance.now(), Date.now()));
    if (loaded?.status === 'rejected') throw loaded.reason;
    await save(partition, one);
  }

  async function send(known: TickerPartition, events: readonly TickerEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { name, key, encode } = TOPICS.ticker;
    try {
      await broker.send(
        name,
        events.map((event) => ({ key: key(event), value: encode(event) })),
      );
    } catch (error) {
      known.putBack(events);
      throw error;
    }
  }

  async function save(partition: number, one: Held): Promise<void> {
    const next = one.known.nextTrade;
    if (next === null || next === one.savedNext || performance.now() - one.savedAt < SAVE_MS) return;
    one.savedAt = performance.now();
    const place = { topic: TOPICS.trades.name, partition };
    try {
      await saveCheckpoint(postgres, logId(platform), GROUP, place, next, one.known.newestTrades());
    } catch (error) {
      // somebody else has the partition and is ahead
      if (!(error instanceof StaleBatch)) throw error;
    }
    one.savedNext = next;
  }

  async function begin(group: string, place: TopicPartition): Promise<{ from: bigint; stored: Checkpoint | null }> {
    const stored = await loadCheckpoint(platform, group, place, (wanted, resumedAt) => {
      const offsets = { wanted: String(wanted), resumedAt: String(resumedAt) };
      log.error({ ...place, ...offsets }, 'messages were gone before they were read');
    });
    const marks = await broker.watermarks(place.topic);
    const low = marks.find((mark) => mark.partition === place.partition)?.low ?? 0n;
    return { from: stored?.from ?? low, stored };
  }

  const minutes: Source<KlineEvent> = {
    topic: TOPICS.kline1m.name,
    parse: (message) => checkMinute(TOPICS.kline1m.parse(message.value)),
    async onAssigned(place) {
      const { from } = await begin(klines.group, place);
      const one = at(place.partition);
      one.known.forgetLoaded();
      one.minutes = true;
      return from;
    },
    onRevoked: ({ partition }) => revoked(partition, 'minutes'),
    async handle(items, { partition }) {
      at(partition).known.addMinutes(items.map((item) => item.payload));
    },
  };

  const trades: Source<TradeEvent> = {
    topic: TOPICS.trades.name,
    parse: (message) => checkTrade(TOPICS.trades.parse(message.value)),
    async onAssigned(place) {
      const { from, stored } = await begin(GROUP, place);
      const one = at(place.partition);
      one.known.addTrades((stored?.state as NewestTrades | null) ?? []);
      one.trades = true;
      return from;
    },
    onRevoked: ({ partition }) => revoked(partition, 'trades'),
    async handle(items, { partition }) {
      const { known } = at(partition);
      known.addTrades(items.map((item) => item.payload));
      const last = items.at(-1);
      if (last) known.nextTrade = last.message.offset + 1n;
    },
  };
  return [minutes, trades];
}

export const tickers: Worker = { group: GROUP, maxBatch: 2_000, together: true, gatherMs: GATHER_MS, open };
