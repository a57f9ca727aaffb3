/**
 * Topics → live store: the only writer of live streams and newest states. Acts on the declarations in schema/channels.ts;
 * what a channel adds to that is its view.
 */
import { C2C_ORDER_TABLE, type CdcChange } from '../../schema/cdc.ts';
import { ARBITRAGE_STREAM, CHANNELS, type Channel, type ChannelName, streamKey } from '../../schema/channels.ts';
import { feedKey, rankingKey, tickerKey } from '../../schema/live/keys.ts';
import type { FeedStatusEvent, TickerEvent } from '../../schema/market.ts';
import type { RankingEvent } from '../../schema/ranking.ts';
import { TOPICS, type Topic } from '../../schema/topics.ts';
import type { Message, TopicPartition } from '../../src/platform/broker/broker.ts';
import {
  type AppendResult,
  type LiveAppend,
  type LiveWrite,
  SourceLost,
  type SourcePosition,
} from '../../src/platform/live/store.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { parseChange } from '../cdc/change.ts';
import { arbitrageView } from '../live/arbitrage.ts';
import { beginSource, newEpoch } from '../live/epoch.ts';
import { createHeardFeeds } from '../live/heard.ts';
import { klineView } from '../live/klines.ts';
import { bookView } from '../live/orderbook.ts';
import { tradeView } from '../live/trades.ts';
import { Untold } from '../live/untold.ts';
import { type LiveItem, type LiveView, type MakeView, type Planned, plainView } from '../live/view.ts';
import { logId } from './log-id.ts';
import { checkBook, checkKline, checkRanking, checkTicker, checkTrade } from './quality.ts';
import { StateLost } from './stale.ts';
import type { Item, Source, WorkBatch, Worker } from './worker.ts';

interface Addition<P> {
  view: MakeView<P>;
  /** What a message of the channel's topic says; null where that is nothing. Throws BadMessage. */
  parse(message: Message): P | null;
  /** The payload as a stream has it; `value` is the message it was read from. */
  json(payload: P, value: Buffer | null): string;
  /** The id of the topic's stream, where it has but one. */
  stream?: string;
  /** True where an event older than the channel's retention need not be published when a new epoch catches up. */
  skipOld: boolean;
}

type Spelling<P> = Pick<Addition<P>, 'parse' | 'json'>;

const from = <P>(topic: Topic<P>, check = (payload: P): P => payload): Spelling<P> => ({
  parse: ({ value }) => check(topic.parse(value)),
  json: topic.json,
});
const changes: Spelling<CdcChange> = { parse: parseChange, json: (change) => JSON.stringify(change) };

type PayloadOf<C> = C extends Channel<infer P> ? P : never;

const tickers = plainView<TickerEvent>((t, value) => [{ kind: 'latest', key: tickerKey(t), value }]);
const feeds = plainView<FeedStatusEvent>((s, value) => [
  { kind: 'field', key: feedKey(s.exchange), field: `${s.symbol ?? '*'}:${s.channel}`, value },
]);
const rankings = plainView<RankingEvent>((r, value) => [{ kind: 'latest', key: rankingKey(r.metric), value }]);

const ADDITIONS: { [C in ChannelName]: Addition<PayloadOf<(typeof CHANNELS)[C]>> } = {
  kline: { view: klineView, ...from(TOPICS.kline, checkKline), skipOld: false },
  trade: { view: tradeView, ...from(TOPICS.trades, checkTrade), skipOld: true },
  orderbook: { view: bookView, ...from(TOPICS.orderbook, checkBook), skipOld: true },
  ticker: { view: tickers, ...from(TOPICS.ticker, checkTicker), skipOld: false },
  feed: { view: feeds, ...from(TOPICS.feedStatus), skipOld: false },
  ranking: { view: rankings, ...from(TOPICS.ranking, checkRanking), skipOld: true },
  arbitrage: { view: arbitrageView, ...from(TOPICS.arbitrage), stream: ARBITRAGE_STREAM, skipOld: true },
  cdc: { view: plainView<CdcChange>(() => []), ...changes, stream: C2C_ORDER_TABLE, skipOld: true },
};

const FEED_GAP = JSON.stringify({ missed: null, reason: 'FEED_GAP' });
/** Events in one call to the live store. */
const CHUNK = 200;

interface State<P> {
  start: SourcePosition;
  /** False where the live store has not been told of the epoch yet. */
  told: boolean;
  view: LiveView<P>;
  untold: Untold;
  /** False where the live store may know more of `untold` than it does: a write's outcome is not known. */
  isSure: boolean;
  /** Messages were lost of which nobody has been told yet. */
  lost: boolean;
}

/** An event, and what is written with it where its stream tells what it owes. */
type Telling<P> = Planned<P> & { telling: LiveWrite | null };

function sourceOf<P>(platform: Platform, name: ChannelName, channel: Channel<P>, addition: Addition<P>): Source<P> {
  const { live, broker } = platform;
  const { topic, version, retentionMs, maxLength } = channel;
  const states = new Map<number, State<P>>();
  const heard = createHeardFeeds(live, name);
  const count = (outcome: string, n = 1) => metrics.appended.inc({ channel: name, outcome }, n);
  let partitions = topic.partitions;

  async function begin(at: TopicPartition): Promise<State<P>> {
    partitions = (await broker.watermarks(at.topic)).length;
    return enter(at, await beginSource(platform, at), true, false);
  }

  function enter(at: TopicPartition, start: SourcePosition, told: boolean, lost: boolean): State<P> {
    leave(at.partition);
    const untold = new Untold(live, at, start.epoch);
    const state = { start, told, view: addition.view(live), untold, isSure: false, lost };
    states.set(at.partition, state);
    return state;
  }

  function leave(partition: number): void {
    states.get(partition)?.view.close?.();
    states.delete(partition);
  }

  function appendOf({ item, publication, telling }: Telling<P>, { epoch, catchUpTo }: SourcePosition): LiveAppend {
    const { payload, message, stream, json } = item;
    const { writes, gap, restart } = publication;
    return {
      stream,
      epoch,
      offset: message.offset,
      version:
        version.kind === 'recent'
          ? { kind: 'recent', id: version.id(payload), keep: version.keep }
          : { kind: restart ? 'restart' : 'advance', rank: version.rank(payload) },
      payload: json,
      gap: gap ? FEED_GAP : undefined,
      time: Date.now(),
      // published before, perhaps, by whoever filled the store that was lost
      logged: message.offset < catchUpTo ? message.timestamp : undefined,
      retentionMs,
      maxLength,
      writes: telling ? [...writes, telling] : writes,
    };
  }

  /** Where a message belongs that is no event; null where it does not say. */
  function streamOf({ value }: Message): string | null {
    if (addition.stream) return streamKey(name, addition.stream);
    try {
      const id = channel.id(JSON.parse(String(value)) as P);
      return id.includes('undefined') ? null : streamKey(name, id);
    } catch {
      return null;
    }
  }

  /** What becomes of the items, and by stream the newest one that came too late and that none of them tells. */
  function plan({ start, view, untold }: State<P>, items: readonly LiveItem<P>[]) {
    const oldest = Date.now() - retentionMs;
    const planned: Telling<P>[] = [];
    const telling = new Set<string>();
    const late = new Map<string, LiveItem<P>>();
    for (const item of items) {
      const { message, stream } = item;
      const { offset, timestamp } = message;
      const publication = view.plan(item);
      const isOut = publication === 'repeat' || publication === 'held';
      if (!isOut && addition.skipOld && offset < start.catchUpTo && timestamp < oldest) count('old');
      else if (typeof publication !== 'string') {
        const owes = late.delete(stream) || (!telling.has(stream) && untold.has(stream));
        const tells = owes || publication.gap === true;
        if (tells) telling.add(stream);
        planned.push({
          item,
          publication: owes ? { ...publication, gap: true } : publication,
          telling: tells ? untold.telling(stream, offset) : null,
        });
      } else {
        count(publication);
        if (publication === 'late' && !untold.isKnown(stream, offset)) late.set(stream, item);
      }
    }
    return { planned, late };
  }

  /** Notes what the items told, and what none of them could. Throws LiveStoreUnavailable. */
  async function settleDebts(
    { untold }: State<P>,
    planned: readonly Telling<P>[],
    results: readonly AppendResult[],
    late: Map<string, LiveItem<P>>,
  ) {
    for (const [i, { item, telling }] of planned.entries()) {
      const { stream, message } = item;
      if (!telling) continue;
      if (results[i]?.sequence !== null) untold.told(stream, message.offset);
      // the event that should have told it was dropped as a repeat
      else if (!untold.isKnown(stream, message.offset)) late.set(stream, item);
    }
    for (const [stream, { message }] of late) await untold.owe(stream, message);
  }

  /** What is owed, as the live store knows it. Throws LiveStoreUnavailable. */
  async function sure(state: State<P>): Promise<Untold> {
    const { untold } = state;
    if (!state.isSure) await untold.load();
    if (state.lost) await untold.oweAll();
    state.lost = false;
    state.isSure = true;
    return untold;
  }

  /**
   * Throws StateLost where the live store no longer knows the epoch: it was emptied. Going on would number its streams
   * anew in an epoch whose cursors are still about, and would leave out what the log still has. An append asks by itself.
   */
  async function confirm({ start }: State<P>, { topic, partition }: TopicPartition): Promise<void> {
    const known = await live.sourcePosition(topic, partition);
    if (known?.epoch !== start.epoch) throw new StateLost('the live store lost its place');
  }

  async function handle(given: readonly Item<P>[], batch: WorkBatch): Promise<void> {
    const state = states.get(batch.partition) ?? (await begin(batch));
    const { view, start } = state;
    const last = given.at(-1);
    if (!last) return;
    const items = given.map(({ message, payload }): LiveItem<P> => {
      const stream = streamKey(name, channel.id(payload));
      return { message, payload, stream, json: addition.json(payload, message.value) };
    });
    await sure(state);
    if (!state.told) await live.rememberSource(batch.topic, batch.partition, start);
    state.told = true;
    await view.load?.(items);
    const results: AppendResult[] = [];
    try {
      const { planned, late } = plan(state, items);
      view.complete?.(planned);
      for (let i = 0; i < planned.length; i += CHUNK) {
        batch.check();
        const part = planned.slice(i, i + CHUNK).map((p) => appendOf(p, start));
        results.push(
          ...(await live.append(part, { topic: topic.name, partition: batch.partition, epoch: start.epoch })),
        );
      }
      if (planned.length === 0) await confirm(state, batch);
      await settleDebts(state, planned, results, late);
      await view.settle?.(planned, results, batch);
    } catch (error) {
      view.undo?.();
      state.isSure = false;
      throw error instanceof SourceLost ? new StateLost(error.message) : error;
    }
    const repeats = results.filter((result) => result.sequence === null).length;
    count('appended', results.length - repeats);
    count('repeat', repeats);
    const next = last.message.offset + 1n;
    batch.check();
    const position = { epoch: start.epoch, next: view.replayFrom?.(next) ?? next };
    if (!(await live.advanceSource(batch.topic, batch.partition, position))) {
      throw new StateLost('the live store lost its place');
    }
    await heard?.note(given.map((item) => item.payload));
  }

  return {
    topic: topic.name,
    parse: addition.parse,
    onAssigned: async (at) => (await begin(at)).start.next,
    onRevoked: ({ partition }) => leave(partition),
    onLost(at, resumedAt) {
      const start = { epoch: newEpoch(logId(platform), partitions), next: resumedAt, catchUpTo: resumedAt };
      enter(at, start, false, true);
    },
    handle,
    async onBad(message, at) {
      const state = states.get(at.partition) ?? (await begin(at));
      const isOld = message.offset < state.start.catchUpTo && message.timestamp < Date.now() - retentionMs;
      if (!isOld) await (await sure(state)).owe(streamOf(message), message);
    },
  };
}

function open(platform: Platform): Source[] {
  const all = Object.entries(CHANNELS) as [ChannelName, Channel<unknown>][];
  return all.map(([name, channel]) => sourceOf(platform, name, channel, ADDITIONS[name] as Addition<unknown>));
}

export const live: Worker = { group: 'live', maxBatch: 1_000, gatherMs: 5, open };
