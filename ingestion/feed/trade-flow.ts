/**
 * Trades of an exchange whose ids grow by one: a hole shows by itself and is fetched by id, before anything that follows
 * it is published. For exchanges without such ids see unordered-trade-flow.ts.
 */
import type { TradeEvent } from '../../schema/market.ts';
import { RestFailed } from '../../src/platform/exchange/rest.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { BadFrame, type TradeHistory } from '../exchanges/connector.ts';
import { FILL_BACKOFF, type Flow, type FlowTools, MAX_HELD } from './flow.ts';

type ForwardHistory = Extract<TradeHistory, { direction: 'forward' }>;

/** A lower id that is this much younger than the newest trade is a numbering begun anew, not a repeat. */
const RESTART_MS = 1_000;
/** A "next" trade that is this much older than the last one comes from another numbering. */
const FOREIGN_MS = 60_000;
/** How long an exchange may lag behind its own stream before what it doesn't serve counts as not to be had. */
const LAG_MS = 5_000;
/** Holes remembered at the most; older ones are forgotten first. */
const MAX_HOLES = 100;

/** The flow of one market's trades. `history` null: what was missed can't be had and counts as a gap. */
export function createTradeFlow(tools: FlowTools, history: ForwardHistory | null): Flow<TradeEvent> {
  const { progress, signal, market, log } = tools;
  const { kept } = progress;
  let last: { id: bigint; eventTime: number } | null = null;
  let held: TradeEvent[] = [];
  let filling = false;
  let resumes = 0;
  let nextRepair = 0;
  /** Live trades published since the back-fill under way began. */
  let flowing = 0;
  /** Trades are lost for good, or for long: the next one says so. */
  let lost = false;

  if (progress.lastTrade) last = { ...progress.lastTrade, id: BigInt(progress.lastTrade.id) };
  // nothing reached the tables yet, but the first trade is known: from there on nothing may be missing
  else if (kept.firstTrade) last = { ...kept.firstTrade, id: BigInt(kept.firstTrade.id) - 1n };

  function accept(trade: TradeEvent, late: boolean): void {
    last = { id: BigInt(trade.tradeId), eventTime: trade.eventTime };
    tools.publish({ channel: 'trade', event: lost ? { ...trade, gap: true } : trade }, late);
    lost = false;
  }

  function lose(): void {
    lost = true;
    tools.gap();
  }

  /** Publishes a live trade where it follows; false where something is missing before it. */
  function place(trade: TradeEvent): boolean {
    const id = BigInt(trade.tradeId);
    if (last && id <= last.id) {
      if (trade.eventTime <= last.eventTime + RESTART_MS) return true;
      log.warn({ tradeId: trade.tradeId }, 'trade ids begin anew');
      lose();
    } else if (last && id > last.id + 1n) return false;
    accept(trade, false);
    flowing++;
    return true;
  }

  function hold(trade: TradeEvent): void {
    const id = BigInt(trade.tradeId);
    const early = held.length > 0 && BigInt(held.at(-1)?.tradeId ?? 0) > id;
    held.push(trade);
    if (early) held.sort((a, b) => (BigInt(a.tradeId) < BigInt(b.tradeId) ? -1 : 1));
  }

  /** Publishes what waited, as far as nothing is missing; true when nothing waits any more. */
  function drain(): boolean {
    let n = 0;
    while (n < held.length && place(held[n] as TradeEvent)) n++;
    held = held.slice(n);
    return held.length === 0;
  }

  async function save(): Promise<void> {
    await progress.save().catch((error) => log.warn({ err: error }, 'feed progress not kept'));
  }

  /** Goes on without what could not be had; it is tried for later. */
  function giveUp(reason: string): void {
    const next = held[0];
    log.warn({ reason, from: String(last?.id), to: next?.tradeId }, 'trades missing');
    // nothing came after: it is not known yet whether anything is missing
    if (!next) {
      tools.gap();
      return;
    }
    lose();
    held.shift();
    // trades before it kept coming, so its id is what is wrong
    if (flowing > 0) return;
    if (last && history) {
      kept.tradeHoles.push({ from: String(last.id + 1n), to: String(BigInt(next.tradeId) - 1n) });
      kept.tradeHoles.splice(0, kept.tradeHoles.length - MAX_HOLES);
      nextRepair = performance.now() + tools.times.repairMs;
      void save();
    }
    accept(next, false);
  }

  async function page(source: ForwardHistory, from: bigint): Promise<TradeEvent[]> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(tools.times.patienceMs)]);
    const trades = await tools.fetch(source.request(market, from), 'trade', source.parse, bound);
    return trades.sort((a, b) => (BigInt(a.tradeId) < BigInt(b.tradeId) ? -1 : 1));
  }

  /** One request forward. Resolves true when the exchange has no more. */
  async function step(source: ForwardHistory, from: { id: bigint; eventTime: number }): Promise<boolean> {
    const trades = await page(source, from.id + 1n);
    const fresh = trades.filter((trade) => BigInt(trade.tradeId) > from.id);
    const [first] = fresh;
    if (first && first.eventTime < from.eventTime - FOREIGN_MS) {
      log.warn({ known: String(from.id), found: first.tradeId }, 'trade ids of another numbering: not back-filled');
      lose();
      last = null;
      return true;
    }
    for (const trade of fresh) {
      // the exchange no longer serves what lies between, or what it says of it can't be used
      if (last && BigInt(trade.tradeId) > last.id + 1n) lose();
      accept(trade, true);
    }
    return trades.length < source.limit;
  }

  async function fill(source: ForwardHistory): Promise<void> {
    let progressAt = performance.now();
    flowing = 0;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const round = resumes;
      const before = last?.id;
      let reason = 'not served';
      let patienceMs = Math.min(LAG_MS, tools.times.patienceMs);
      try {
        const complete = last === null || (await step(source, last));
        if (complete && round === resumes && drain()) return;
        if (last?.id !== before) {
          progressAt = performance.now();
          attempt = 0;
        }
        if (!complete) continue;
      } catch (error) {
        if (signal.aborted) return;
        reason = (error as Error).message;
        patienceMs = error instanceof RestFailed && !error.retryable ? 0 : tools.times.patienceMs;
      }
      if (performance.now() - progressAt > patienceMs) {
        giveUp(reason);
        if (round === resumes && drain()) return;
        progressAt = performance.now();
      }
      await pause(fullJitter(FILL_BACKOFF, attempt), signal);
    }
  }

  /** The very first trade of this market: from here on nothing may be missing, also if we die now. */
  async function begin(first: TradeEvent): Promise<void> {
    kept.firstTrade = { id: first.tradeId, eventTime: first.eventTime };
    await save();
    drain();
  }

  function run(work: Promise<void>): void {
    filling = true;
    void work
      .catch((error) => log.error({ err: error }, 'back-fill of trades ended'))
      .finally(() => {
        filling = false;
        if (held.length > 0 && !signal.aborted) missing();
      });
  }

  /** The first of `held` does not follow the last published trade. */
  function missing(): void {
    tools.gap();
    if (history) run(fill(history));
    else while (!drain()) giveUp('the exchange serves no history');
  }

  async function repair(source: ForwardHistory): Promise<void> {
    const [hole] = kept.tradeHoles;
    if (!hole) return;
    const trades = await page(source, BigInt(hole.from));
    const wanted = trades.filter((trade) => BigInt(trade.tradeId) <= BigInt(hole.to));
    for (const trade of wanted) tools.publish({ channel: 'trade', event: trade }, true);
    const newest = wanted.at(-1);
    const done = wanted.length < trades.length || trades.length < source.limit || newest?.tradeId === hole.to;
    if (done) kept.tradeHoles.shift();
    else if (newest) hole.from = String(BigInt(newest.tradeId) + 1n);
    await save();
    if (!done) nextRepair = 0;
  }

  return {
    push(trade) {
      if (filling) {
        hold(trade);
        if (held.length <= MAX_HELD) return;
        // the back-fill will come to them by itself
        held = [];
        tools.gap();
      } else if (last === null && kept.firstTrade === null) {
        hold(trade);
        run(begin(trade));
      } else if (!place(trade)) {
        hold(trade);
        missing();
      }
    },
    resume() {
      resumes++;
      if (filling || last === null) return;
      if (history) run(fill(history));
    },
    interrupt() {},
    tick() {
      if (!history || filling || kept.tradeHoles.length === 0 || performance.now() < nextRepair) return;
      nextRepair = performance.now() + tools.times.repairMs;
      void repair(history).catch((error) => {
        if (!(error instanceof RestFailed || error instanceof BadFrame || signal.aborted)) {
          log.warn({ err: error }, 'missing trades not fetched');
        }
      });
    },
    isHolding: () => filling && held.length > 0,
  };
}
