/**
 * Trades of an exchange whose ids only tell two trades apart (Upbit, Bithumb, KuCoin): repeats are known by id, what was
 * missed is read from the newest trade backwards until the last published one is reached. Where there is no such history, a
 * new subscription's first trade tells: the exchange begins with the newest one there is, so if we know it, nothing is missing.
 */
import type { TradeEvent } from '../../schema/market.ts';
import { RestFailed } from '../../src/platform/exchange/rest.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import type { TradeHistory } from '../exchanges/connector.ts';
import { FILL_BACKOFF, type Flow, type FlowTools, MAX_HELD } from './flow.ts';

type BackwardHistory = Extract<TradeHistory, { direction: 'backward' }>;

/** Ids remembered to know a repeat. */
const RECENT = 5_000;
/** Missed trades collected at the most before they can be published in order. */
const MAX_COLLECTED = 200_000;
/** Pages in a row that bring nothing new; a history by days has an empty one at the end of each. */
const MAX_EMPTY = 8;

export interface UnorderedTradeFlow extends Flow<TradeEvent> {
  /** Trades since then (epoch ms) are known to be missing, though the stream was never interrupted. */
  reread(since: number): void;
}

/** The flow of one market's trades. `history` null: what was missed can't be had and counts as a gap. */
export function createUnorderedTradeFlow(tools: FlowTools, history: BackwardHistory | null): UnorderedTradeFlow {
  const { signal, market, log } = tools;
  const { lastTrade, kept } = tools.progress;
  const recent = new Set<string>(lastTrade ? [lastTrade.id] : []);
  // to the millisecond: what shares it with the last one published is published again and known downstream as a repeat
  let lastTime = (lastTrade ?? kept.firstTrade)?.eventTime ?? null;
  let held: TradeEvent[] = [];
  let filling = false;
  let repairing = false;
  let nextRepair = 0;
  let resumes = 0;
  /** What was published since then is read once more. */
  let again = Number.POSITIVE_INFINITY;
  /** Trades may be missing before the next one; they are, and the next one says so. */
  let doubt = false;
  let lost = false;

  function remember({ tradeId, eventTime }: TradeEvent): void {
    recent.add(tradeId);
    if (recent.size > RECENT) recent.delete(recent.values().next().value as string);
    lastTime = Math.max(lastTime ?? 0, eventTime);
  }

  function accept(trade: TradeEvent, late: boolean): void {
    const isRepeat = recent.has(trade.tradeId);
    if (doubt && !isRepeat) lose();
    doubt = false;
    if (isRepeat) return;
    remember(trade);
    tools.publish({ channel: 'trade', event: lost ? { ...trade, gap: true } : trade }, late);
    lost = false;
  }

  /** The time of the newest trade. What was traded until a time that has not come there yet is not known, whatever its stamp said. */
  function reached(): number {
    return Math.min(lastTime ?? 0, tools.exchangeNow() ?? Number.POSITIVE_INFINITY);
  }

  function lose(): void {
    lost = true;
    tools.gap();
  }

  /** What was traded since `since`, oldest first; `whole` false where that can't be had that far back. */
  async function missed(source: BackwardHistory, since: number) {
    const found = new Map<string, TradeEvent>();
    let oldest = null as TradeEvent | null;
    let whole = true;
    for (let empty = 0; ; ) {
      const reach = { since, now: tools.exchangeNow() ?? Date.now(), empty };
      const request = empty < MAX_EMPTY ? source.request(market, oldest, reach) : null;
      if (!request || found.size >= MAX_COLLECTED) {
        // the exchange's history, or our patience, ends before it reaches what we have
        whole = oldest !== null && oldest.eventTime <= since;
        break;
      }
      const bound = AbortSignal.any([signal, AbortSignal.timeout(tools.times.patienceMs)]);
      const page: TradeEvent[] = await tools.fetch(request, 'trade', source.parse, bound);
      const before: number = found.size;
      for (const trade of page) {
        if (trade.eventTime >= since) found.set(trade.tradeId, trade);
        if (!oldest || trade.eventTime < oldest.eventTime) oldest = trade;
      }
      if (oldest && oldest.eventTime < since) break;
      empty = found.size > before ? 0 : empty + 1;
    }
    // arrival order breaks ties: pages are newest first
    return { trades: [...found.values()].reverse().sort((a, b) => a.eventTime - b.eventTime), whole };
  }

  async function save(): Promise<void> {
    await tools.progress.save().catch((error) => log.warn({ err: error }, 'feed progress not kept'));
  }

  /** Goes on without what was traded since `since`; it is tried for later, also by who follows the market next. */
  function giveUp(since: number): void {
    lose();
    const until = held[0]?.eventTime ?? tools.exchangeNow() ?? Date.now();
    kept.tradeHoles.push({ from: String(since), to: String(Math.max(since, until)) });
    // one read from the oldest on finds them all
    const from = Math.min(...kept.tradeHoles.map((hole) => Number(hole.from)));
    const to = Math.max(...kept.tradeHoles.map((hole) => Number(hole.to)));
    kept.tradeHoles.splice(0, kept.tradeHoles.length, { from: String(from), to: String(to) });
    nextRepair = performance.now() + tools.times.repairMs;
    void save();
  }

  /** Publishes what is missing of a hole that was told; live trades do not wait for it. */
  async function repair(source: BackwardHistory): Promise<void> {
    const [hole] = kept.tradeHoles;
    if (!hole) return;
    const { trades, whole } = await missed(source, Number(hole.from));
    for (const trade of trades) {
      if (trade.eventTime > Number(hole.to) || recent.has(trade.tradeId)) continue;
      remember(trade);
      tools.publish({ channel: 'trade', event: trade }, true);
    }
    if (!whole) log.warn({ since: Number(hole.from) }, 'the history no longer has the trades that are missing');
    kept.tradeHoles.splice(kept.tradeHoles.indexOf(hole), 1);
    await save();
  }

  async function fill(source: BackwardHistory): Promise<void> {
    const since = performance.now();
    for (let attempt = 0; !signal.aborted; attempt++) {
      const round = resumes;
      try {
        const newest = reached();
        const from = Math.min(newest, again);
        const { trades: found, whole } = await missed(source, from);
        if (!whole) lose();
        if (found.some((trade) => trade.eventTime < newest && !recent.has(trade.tradeId))) tools.gap();
        for (const trade of found) accept(trade, true);
        if (again >= from) again = Number.POSITIVE_INFINITY;
        if (round === resumes) return;
        continue;
      } catch (error) {
        if (signal.aborted) return;
        const hopeless = error instanceof RestFailed && !error.retryable;
        if (hopeless || performance.now() - since > tools.times.patienceMs) {
          log.warn({ err: error }, 'trades missing');
          return hopeless ? lose() : giveUp(Math.min(reached(), again));
        }
      }
      await pause(fullJitter(FILL_BACKOFF, attempt), signal);
    }
  }

  async function begin(first: TradeEvent): Promise<void> {
    kept.firstTrade = { id: first.tradeId, eventTime: first.eventTime };
    await save();
  }

  function run(work: Promise<void>): void {
    filling = true;
    void work
      .catch((error) => log.error({ err: error }, 'back-fill of trades ended'))
      .finally(() => {
        filling = false;
        const waiting = held;
        held = [];
        for (const trade of waiting) accept(trade, false);
      });
  }

  return {
    push(trade) {
      if (!filling && lastTime === null) run(begin(trade));
      if (!filling) return accept(trade, false);
      held.push(trade);
      if (held.length <= MAX_HELD) return;
      // the newest history holds them
      held = [];
      resumes++;
      tools.gap();
    },
    resume() {
      resumes++;
      if (filling || lastTime === null) return;
      if (history) run(fill(history));
      else doubt = true;
    },
    interrupt() {},
    tick() {
      if (!history || filling || repairing || kept.tradeHoles.length === 0 || performance.now() < nextRepair) return;
      nextRepair = performance.now() + tools.times.repairMs;
      repairing = true;
      void repair(history)
        .catch((error) => log.debug({ err: error }, 'missing trades not fetched'))
        .finally(() => {
          repairing = false;
        });
    },
    reread(since) {
      if (!history) return lose();
      log.info({ since }, 'trades are missing of this minute: reading them again');
      again = Math.min(again, since);
      resumes++;
      if (!filling) run(fill(history));
    },
    isHolding: () => filling && held.length > 0,
  };
}
