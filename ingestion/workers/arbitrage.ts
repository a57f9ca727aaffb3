/**
 * crypto_orderbook → crypto_arbitrage, crypto_fx: the spreads of every base between every two exchanges. The topic is keyed
 * by base, so the members of the group share the bases; the rates of all exchanges come to every member by crypto_fx, said
 * by the one that has USDT's books.
 *
 * The books live in memory. They come back by reading again from the oldest of their newest snapshots, of which there is
 * one a minute; what was said before is worked out again on the way, and not said twice.
 */
import type { ArbitrageEvent, FxEvent } from '../../schema/arbitrage.ts';
import type { BookEvent } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { TopicPartition } from '../../src/platform/broker/broker.ts';
import { followTopic } from '../../src/platform/broker/follow.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { pause } from '../../src/platform/retry.ts';
import { Fees } from '../arbitrage/fees.ts';
import { Floor } from '../arbitrage/floor.ts';
import { FX_SYMBOL, Rates } from '../arbitrage/rates.ts';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { fault } from './fault.ts';
import { logId } from './log-id.ts';
import { checkBook } from './quality.ts';
import type { Item, Source, WorkBatch, Worker } from './worker.ts';

const GROUP = 'arbitrage';
/** A pair says something at most this often, ms. */
const EVERY_MS = 100;
/** How often time alone is let pass while no events come, ms. */
const TICK_MS = 50;
const CHECKPOINT_MS = 1_000;
/** Books this old are being caught up with: rates of their time may yet come. ms */
const CATCHING_UP_MS = 10_000;
/** How near a rate must come to the books that are caught up with, and how long that is waited for, ms. */
const RATE_NEAR_MS = 2_000;
const RATE_WAIT_MS = 5_000;
const RATE_LOOK_MS = 20;
/** Spreads that wait for the log to take them; beyond that time stands still. */
const MAX_WAITING = 20_000;

interface State {
  floor: Floor;
  /** Everything before this offset was said. */
  said: bigint;
  /** First offset not yet applied. */
  next: bigint;
  /** What is worked out and not yet in the log. */
  waiting: { spreads: ArbitrageEvent[]; rates: FxEvent[] };
  savedAt: number;
  /** True where everything in the log was applied: from here on the clock goes on by itself. */
  atHead: boolean;
  /** One thing at a time: a batch or a tick. */
  turn: Promise<void>;
}

class ArbitrageSource implements Source<BookEvent> {
  readonly topic = TOPICS.orderbook.name;
  readonly #states = new Map<number, State>();
  readonly #rates = new Rates();
  readonly #fees: Fees;
  #following: Promise<Running> | null = null;
  /** False where waiting for a rate was in vain, until one comes. */
  #ratesExpected = true;
  #ticking: NodeJS.Timeout | null = null;

  constructor(
    private readonly platform: Platform,
    private readonly onFatal: (error: Error) => void,
    /** False where time is the events' alone, of one partition that has all of them. */
    private readonly goesOn: boolean,
  ) {
    this.#fees = new Fees(platform.postgres);
  }

  parse({ value }: { value: Buffer | null }): BookEvent {
    return checkBook(TOPICS.orderbook.parse(value));
  }

  async onAssigned(at: TopicPartition): Promise<bigint | null> {
    const { platform } = this;
    const { config } = platform;
    const lost = (wanted: bigint, resumedAt: bigint): void => {
      const offsets = { wanted: String(wanted), resumedAt: String(resumedAt) };
      platform.log.error({ group: GROUP, ...at, ...offsets }, 'books were gone before they were read');
    };
    await this.#fees.refresh(Date.now());
    const checkpoint = await loadCheckpoint(platform, GROUP, at, lost);
    const from = checkpoint && (await this.#booksFrom(at, checkpoint));
    const floor = new Floor(
      {
        notionals: config.ARBITRAGE_NOTIONALS,
        maxLegAgeMs: config.ARBITRAGE_LEG_MAX_AGE_MS,
        maxFxAgeMs: config.ARBITRAGE_FX_MAX_AGE_MS,
        everyMs: EVERY_MS,
        referenceFx: config.REFERENCE_FX,
        feeOf: (market) => this.#fees.of(market),
      },
      this.#rates,
    );
    this.#states.set(at.partition, {
      floor,
      said: checkpoint?.next ?? 0n,
      next: from ?? 0n,
      waiting: { spreads: [], rates: [] },
      savedAt: Date.now(),
      atHead: false,
      turn: Promise.resolve(),
    });
    await this.#begin();
    return from;
  }

  onRevoked({ partition }: TopicPartition): void {
    this.#states.delete(partition);
    if (this.#states.size > 0) return;
    if (this.#ticking) clearInterval(this.#ticking);
    this.#ticking = null;
    const following = this.#following;
    this.#following = null;
    following?.then((running) => running.stop()).catch((error) => this.platform.log.error({ err: error }, 'rates'));
  }

  async handle(items: readonly Item<BookEvent>[], batch: WorkBatch): Promise<void> {
    const state = this.#states.get(batch.partition);
    if (!state) throw new Error(`partition ${batch.partition} is not assigned`);
    await this.#fees.refresh(Date.now());
    await this.#ratesOf(items, batch);
    await this.#inTurn(state, async () => {
      for (const { message, payload } of items) this.#apply(state, message.offset, payload);
      state.atHead = batch.atHead && this.goesOn;
      batch.check();
      // what they change is said at once
      if (state.atHead) state.waiting.spreads.push(...state.floor.advance(Date.now()));
      await this.#say(state);
      if (Date.now() - state.savedAt >= CHECKPOINT_MS) await this.#save(state, batch);
    });
  }

  /** Where the books begin that the checkpoint needs; what of them is gone comes back with the next snapshots. */
  async #booksFrom({ topic, partition }: TopicPartition, { from, state }: Checkpoint): Promise<bigint> {
    const books = BigInt((state as { books?: string } | null)?.books ?? from);
    // where no book is held the last message is read all the same: by it the group learns how far we are
    const first = books < from ? books : from;
    const marks = await this.platform.broker.watermarks(topic);
    const low = marks.find((mark) => mark.partition === partition)?.low ?? 0n;
    return first > low ? first : low;
  }

  async #begin(): Promise<void> {
    const { platform, onFatal } = this;
    if (this.goesOn) this.#ticking ??= setInterval(() => this.#tick(), TICK_MS).unref();
    this.#following ??= followTopic(platform, TOPICS.fx.name, {
      onMessage: ({ value }) => {
        try {
          if (!this.#rates.take(TOPICS.fx.parse(value))) return;
          this.#ratesExpected = true;
        } catch (error) {
          // our own topic: worth a line, not worth stopping for
          platform.log.error({ err: error }, 'rate not read');
          return;
        }
        for (const { floor } of this.#states.values()) floor.rateChanged();
      },
      onFatal,
    });
    try {
      await this.#following;
    } catch (error) {
      this.#following = null;
      throw error;
    }
  }

  /**
   * Old books are not to be worked out at a rate of another time: waits for that of theirs to be said, by whoever reads
   * USDT's books, as long as that can be expected to happen.
   */
  async #ratesOf(items: readonly Item<BookEvent>[], batch: WorkBatch): Promise<void> {
    const wanted = (items.at(-1)?.payload.receivedAt ?? 0) - RATE_NEAR_MS;
    const here = items.some(({ payload }) => payload.symbol === FX_SYMBOL);
    if (here || !this.goesOn || !items.some(({ payload }) => payload.symbol.endsWith('-KRW'))) return;
    const late = (): boolean => Date.now() - wanted > CATCHING_UP_MS && this.#rates.newestAt < wanted;
    for (let waited = 0; this.#ratesExpected && late(); waited += RATE_LOOK_MS) {
      if (waited >= RATE_WAIT_MS) {
        // nobody reads USDT's books, or there are none: not worth waiting for again
        this.#ratesExpected = false;
        return;
      }
      batch.check();
      await pause(RATE_LOOK_MS);
    }
  }

  #apply(state: State, offset: bigint, event: BookEvent): void {
    const { results, rate } = state.floor.apply(event, offset);
    if (offset < state.next) return;
    state.next = offset + 1n;
    // it was said before the books were lost from memory
    if (offset < state.said) return;
    state.waiting.spreads.push(...results);
    if (rate) state.waiting.rates.push(rate);
  }

  /** Nothing happens and time passes: legs grow old, samples are due. */
  #tick(): void {
    for (const state of this.#states.values()) {
      if (!state.atHead) continue;
      this.#inTurn(state, async () => {
        const { atHead, waiting, floor } = state;
        if (atHead && waiting.spreads.length < MAX_WAITING) waiting.spreads.push(...floor.advance(Date.now()));
        await this.#say(state);
      }).catch((error) => this.platform.log.warn({ err: error, group: GROUP }, 'spreads will be said later'));
    }
  }

  #inTurn(state: State, work: () => Promise<void>): Promise<void> {
    const done = state.turn.then(work);
    state.turn = done.catch(() => {});
    return done;
  }

  /** What could not be sent waits for the next try. */
  async #say({ waiting }: State): Promise<void> {
    const { broker } = this.platform;
    const { fx, arbitrage } = TOPICS;
    const [rates, spreads] = [waiting.rates.slice(), waiting.spreads.slice()];
    const messages = <P>(topic: { key(p: P): string; encode(p: P): Buffer }, all: readonly P[]) =>
      all.map((p) => ({ key: topic.key(p), value: topic.encode(p) }));
    if (rates.length > 0) await broker.send(fx.name, messages(fx, rates));
    waiting.rates.splice(0, rates.length);
    if (spreads.length > 0) await broker.send(arbitrage.name, messages(arbitrage, spreads));
    fault('after_produce');
    waiting.spreads.splice(0, spreads.length);
    metrics.spreads.inc(spreads.length);
  }

  async #save(state: State, at: TopicPartition): Promise<void> {
    const { next, said, floor } = state;
    if (next <= said) return;
    const { postgres } = this.platform;
    const log = logId(this.platform);
    // it is, whether or not the outcome of the write becomes known: a write that is done is not tried again
    state.said = next;
    await postgres.transaction((sql) =>
      saveCheckpoint(sql, log, GROUP, at, next, { books: String(floor.replayFrom(next)) }),
    );
    state.savedAt = Date.now();
  }
}

export const arbitrage: Worker = {
  group: GROUP,
  maxBatch: 1_000,
  // as the books themselves are
  gatherMs: 5,
  open: (platform, onFatal) => [new ArbitrageSource(platform, onFatal, true) as Source],
};

/** The same for a log of the past with one partition: no clock goes on beside the events. */
export const arbitrageOfEvents: Worker = {
  ...arbitrage,
  open: (platform, onFatal) => [new ArbitrageSource(platform, onFatal, false) as Source],
};
