/**
 * Minute candles of one market: never backwards, and no minute goes out before the closed candle of the one before it is
 * out or known not to exist. What the stream did not close is fetched over REST; a minute that REST doesn't have is quiet.
 * Everything here happens under the market's lease, the looking after quiet minutes (`tick`) too.
 */
import { INTERVALS, type KlineEvent, openTimeOf } from '../../schema/market.ts';
import { RestFailed } from '../../src/platform/exchange/rest.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import type { KlineHistory } from '../exchanges/connector.ts';
import { FILL_BACKOFF, type Flow, type FlowTools, MAX_HELD } from './flow.ts';
import type { Hole } from './progress.ts';
import { SETTLED_MS, withQuietMinutes } from './quiet-minutes.ts';

const MINUTE = INTERVALS.M1;
/** An exchange's REST may still change a candle this long after its end. */
const FINAL_MS = 1_000;
/** How long the next minute's frames wait for the close of a minute that REST doesn't have yet. */
const CLOSE_MS = 10_000;
/** Without a stream of candles, they are asked for this long after the minute's end. */
const POLL_MS = 2_000;
/** Holes remembered; of more of them some are taken together. */
const MAX_HOLES = 100;

function sameValues(a: KlineEvent, b: KlineEvent): boolean {
  const { eventTime: _a, receivedAt: _b, ...left } = a;
  const { eventTime: _c, receivedAt: _d, ...right } = b;
  return JSON.stringify(left) === JSON.stringify(right);
}

/** Makes one of the two oldest: what lies between them is asked for once more, and known downstream as a repeat. */
function mergeFirst(holes: Hole[]): void {
  const [first, second] = holes.splice(0, 2);
  if (first && second) holes.unshift({ ...first, to: second.to });
}

/** The flow of one market's candles. */
export function createKlineFlow(tools: FlowTools, history: KlineHistory | null): Flow<KlineEvent> {
  const { connector, market, signal, progress, times, log } = tools;
  const { kept } = progress;
  const streamed = connector.channels.kline?.streamed ?? false;
  /** Every closed candle before this open time is published or does not exist. Null until the first is known. */
  let knownUntil = progress.knownUntil;
  let newest: KlineEvent | null = null;
  /** The last price before `knownUntil`. */
  let price = progress.lastClose ?? null;
  let held: KlineEvent[] = [];
  let filling = false;
  let repairing = false;
  let resumes = 0;
  let nextRepair = 0;

  function advances(kline: KlineEvent): boolean {
    if (!newest || kline.openTime !== newest.openTime) return !newest || kline.openTime > newest.openTime;
    if (kline.isClosed !== newest.isClosed) return kline.isClosed;
    // the same closed candle comes over REST and in the stream
    return kline.eventTime > newest.eventTime && !(kline.isClosed && sameValues(kline, newest));
  }

  function accept(kline: KlineEvent, late: boolean): void {
    if (!advances(kline)) return;
    newest = kline;
    price = kline.close;
    if (kline.isClosed) knownUntil = Math.max(knownUntil ?? 0, kline.openTime + MINUTE);
    tools.publish({ channel: 'kline', event: kline }, late);
  }

  /** True when the candle was published or is a repeat; false where a minute before it is not closed yet. */
  function place(kline: KlineEvent): boolean {
    // the first candle, or the exchange's clock runs far behind what we have (a recording): begin here
    if (knownUntil === null || kline.openTime < knownUntil - 10 * MINUTE) knownUntil = kline.openTime;
    if (newest && connector.klineCloses === 'next' && kline.openTime > newest.openTime) {
      // no flag on this exchange: a later candle is what closes this one; minutes without a trade have none
      if (!newest.isClosed) accept({ ...newest, isClosed: true, eventTime: newest.openTime + MINUTE - 1 }, false);
      skip(kline.openTime);
    }
    if (kline.openTime > knownUntil) return false;
    accept(kline, false);
    return true;
  }

  function drain(): boolean {
    let n = 0;
    while (n < held.length && place(held[n] as KlineEvent)) n++;
    held = held.slice(n);
    return held.length === 0;
  }

  /** Minutes before this are over by the exchange's clock, and final. */
  function finalBefore(): number {
    return openTimeOf('M1', (tools.exchangeTime() ?? Date.now() - MINUTE) - FINAL_MS);
  }

  async function range(source: KlineHistory, from: number, to: number): Promise<KlineEvent[]> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(times.patienceMs)]);
    const klines = await tools.fetch(source.request(market, from, to), 'kline', source.parse, bound);
    klines.sort((a, b) => a.openTime - b.openTime);
    // some histories count candles and not minutes: what reaches further back tells the price before
    price ??= klines.findLast((kline) => kline.openTime < from)?.close ?? null;
    return klines
      .filter((kline) => kline.openTime >= from && kline.openTime < to)
      .map((kline) => ({ ...kline, isClosed: true, eventTime: kline.openTime + MINUTE - 1 }));
  }

  async function step(source: KlineHistory): Promise<boolean> {
    const end = finalBefore();
    knownUntil ??= end - Math.floor(times.backfillMs / MINUTE) * MINUTE;
    const from = knownUntil;
    const to = Math.min(end, from + source.limit * MINUTE);
    if (from >= to) return true;
    const klines = await range(source, from, to);
    // the last minute may not be there yet
    const missing = (klines.at(-1)?.openTime ?? 0) < to - MINUTE;
    const until = missing && !isSettled(to) ? to - MINUTE : to;
    for (const kline of withQuietMinutes(market, klines, from, until, price)) {
      // one that was seen open is not quiet, whatever the history says
      if (kline.openTime !== newest?.openTime || klines.includes(kline)) accept(kline, true);
    }
    knownUntil = Math.max(knownUntil, until);
    // where only minutes with trades have candles, the next one does not wait for this one's to turn up
    if (connector.klineCloses === 'next') skip(to);
    return to === end;
  }

  /** Everything of the minutes before `time` is in the exchange's history by now. */
  function isSettled(time: number): boolean {
    return (tools.exchangeTime() ?? 0) >= time + SETTLED_MS;
  }

  /** Goes on at `to`; what is not known before it is asked for later. */
  function skip(to: number): void {
    const from = knownUntil;
    if (from === null || from >= to) return;
    knownUntil = to;
    const holes: Hole[] = [];
    // only the history can tell what became of a minute that was seen open; of the others also that they were quiet
    const seen = newest && !newest.isClosed && newest.openTime === from;
    const quietFrom = seen ? from + MINUTE : from;
    if (seen) holes.push({ from: String(from), to: String(from) });
    if (quietFrom < to)
      holes.push({ from: String(quietFrom), to: String(to - MINUTE), ...(price && { close: price }) });
    kept.klineHoles.push(...holes);
    while (kept.klineHoles.length > MAX_HOLES) mergeFirst(kept.klineHoles);
    void progress.save().catch((error) => log.warn({ err: error }, 'feed progress not kept'));
  }

  function giveUp(reason: string): void {
    const next = held[0];
    if (!next || knownUntil === null) return;
    log.warn({ reason, from: knownUntil, to: next.openTime }, 'candles missing');
    tools.gap();
    skip(next.openTime);
    nextRepair = performance.now() + times.repairMs;
  }

  /** The exchange's clock is known from its first frame; a quiet one is not waited for long. */
  async function clockKnown(): Promise<void> {
    const bound = Math.min(3_000, times.staleMs / 3);
    for (let waited = 0; waited < bound && tools.exchangeTime() === null && !signal.aborted; waited += 50) {
      await pause(50, signal);
    }
  }

  async function fill(source: KlineHistory): Promise<void> {
    await clockKnown();
    let progressAt = performance.now();
    for (let attempt = 0; !signal.aborted; attempt++) {
      const round = resumes;
      const before = knownUntil;
      let reason = 'not closed';
      let patienceMs = Math.min(CLOSE_MS, times.patienceMs);
      try {
        const complete = await step(source);
        if (complete && round === resumes && drain()) return;
        if (knownUntil !== before) progressAt = performance.now();
        if (!complete) continue;
      } catch (error) {
        if (signal.aborted) return;
        reason = (error as Error).message;
        patienceMs = error instanceof RestFailed && !error.retryable ? 0 : times.patienceMs;
      }
      if (performance.now() - progressAt > patienceMs) {
        giveUp(reason);
        // without live frames that wait, the next tick tries again
        if (round === resumes && drain()) return;
      }
      await pause(fullJitter(FILL_BACKOFF, attempt), signal);
    }
  }

  function run(work: Promise<void>): void {
    filling = true;
    nextRepair = performance.now() + times.repairMs;
    void work
      .catch((error) => log.error({ err: error }, 'back-fill of candles ended'))
      .finally(() => {
        filling = false;
        if (held.length > 0 && !signal.aborted) missing();
      });
  }

  function missing(): void {
    if (history) run(fill(history));
    else while (!drain()) giveUp('the exchange serves no history');
  }

  /** The oldest hole of which the history knows everything that it will ever know. */
  function dueHole(): Hole | undefined {
    return kept.klineHoles.find((hole) => isSettled(Number(hole.to) + MINUTE));
  }

  async function repair(source: KlineHistory): Promise<void> {
    const hole = dueHole();
    if (!hole) return;
    const from = Number(hole.from);
    const to = Math.min(Number(hole.to) + MINUTE, from + source.limit * MINUTE);
    const found = await range(source, from, to);
    for (const kline of withQuietMinutes(market, found, from, to, hole.close ?? null)) {
      tools.publish({ channel: 'kline', event: kline }, true);
      if (hole.close) hole.close = kline.close;
    }
    hole.from = String(to);
    if (Number(hole.from) > Number(hole.to)) kept.klineHoles.splice(kept.klineHoles.indexOf(hole), 1);
    await progress.save();
  }

  /** The minute that should have been closed by now was not. */
  function isOverdue(): boolean {
    const now = tools.exchangeTime();
    if (now === null || knownUntil === null) return false;
    return now - knownUntil > MINUTE + (streamed ? times.staleMs : POLL_MS);
  }

  return {
    push(kline) {
      if (filling) {
        // the close of a minute may come after the first frame of the next
        const late = (held.at(-1)?.openTime ?? 0) > kline.openTime;
        held.push(kline);
        if (late) held.sort((a, b) => a.openTime - b.openTime);
        if (held.length <= MAX_HELD) return;
        held = [];
        tools.gap();
      } else if (!place(kline)) {
        held.push(kline);
        missing();
      }
    },
    resume() {
      resumes++;
      if (history && !filling) run(fill(history));
    },
    interrupt() {},
    tick() {
      if (!history || filling) return;
      const now = performance.now();
      // without a stream the overdue minute is the normal case and must not wait for the repair interval
      if (isOverdue() && (now >= nextRepair || !streamed)) return run(fill(history));
      if (repairing || now < nextRepair || !dueHole()) return;
      nextRepair = now + times.repairMs;
      repairing = true;
      void repair(history)
        .catch((error) => log.debug({ err: error }, 'missing candles not fetched'))
        .finally(() => {
          repairing = false;
        });
    },
    isHolding: () => filling && held.length > 0,
  };
}
