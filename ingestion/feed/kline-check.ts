/**
 * Candles that no frame closed are held against the exchange's own a little later: where REST says otherwise, or has a
 * minute that the stream left out, its candle is published once more with a later event time.
 */
import { INTERVALS, type KlineEvent } from '../../schema/market.ts';
import { RestFailed } from '../../src/platform/exchange/rest.ts';
import type { Connector, KlineHistory } from '../exchanges/connector.ts';
import type { Flow, FlowTools } from './flow.ts';

const MINUTE = INTERVALS.M1;
/** REST has the final candle of a minute this long after its end. */
const SETTLED_MS = 5_000;
/** A candle that REST doesn't have this long after is left as it is. */
const LOST_MS = 5 * MINUTE;
/** Candles remembered to know what was published. */
const REMEMBERED = 300;

/** Those that wait to be checked: a day of them, while an exchange does not answer. */
const MAX_UNCHECKED = 1_440;

/** One check at a time an exchange: what was missed must not wait behind them. */
const lines = new WeakMap<Connector, Promise<void>>();

function differs(a: KlineEvent, b: KlineEvent): boolean {
  return (['open', 'high', 'low', 'close', 'volume', 'quoteVolume'] as const).some((name) => a[name] !== b[name]);
}

/** The flow that `make` makes, and the checks of what it closes by itself. */
export function createCheckedKlineFlow(
  tools: FlowTools,
  history: KlineHistory,
  make: (tools: FlowTools) => Flow<KlineEvent>,
): Flow<KlineEvent> {
  const { connector, market, signal, log, times } = tools;
  /** Closed candles by open time, from wherever. */
  const published = new Map<number, KlineEvent>();
  /** Those of the stream that were not held against REST yet, and when they were closed (monotonic ms). */
  const unchecked = new Map<number, number>();
  let checking = false;
  let nextCheck = 0;
  // quiet ones were said by the history itself
  for (const kline of (tools.progress.lastKlines ?? []).filter(({ volume }) => volume !== '0').toReversed()) {
    published.set(kline.openTime, kline);
    unchecked.set(kline.openTime, performance.now());
  }

  function remember(kline: KlineEvent): void {
    published.delete(kline.openTime);
    published.set(kline.openTime, kline);
    if (published.size > REMEMBERED) published.delete(published.keys().next().value as number);
  }

  function waitForCheck(openTime: number): void {
    unchecked.set(openTime, performance.now());
    if (unchecked.size <= MAX_UNCHECKED) return;
    const oldest = unchecked.keys().next().value as number;
    log.warn({ openTime: oldest }, 'a candle that could not be checked for a day is left as it is');
    unchecked.delete(oldest);
  }

  const flow = make({
    ...tools,
    publish(event, late) {
      if (event.channel === 'kline' && event.event.isClosed) {
        const known = published.get(event.event.openTime);
        // a hole that is filled, and the check, find the same
        if (late && known && !differs(known, event.event)) return;
        remember(event.event);
        if (!late) waitForCheck(event.event.openTime);
      }
      tools.publish(event, late);
    },
  });

  function due(): number[] {
    const now = tools.exchangeNow() ?? 0;
    return [...unchecked]
      .filter(([openTime, at]) => {
        // the exchange's clock stands still while nothing happens there
        return now >= openTime + MINUTE + SETTLED_MS || performance.now() - at > 3 * SETTLED_MS;
      })
      .map(([openTime]) => openTime)
      .sort((a, b) => a - b);
  }

  async function check(): Promise<void> {
    const [from] = due();
    if (from === undefined || signal.aborted) return;
    const wanted = due().filter((openTime) => openTime < from + history.limit * MINUTE);
    const to = (wanted.at(-1) as number) + MINUTE;
    const bound = AbortSignal.any([signal, AbortSignal.timeout(times.patienceMs)]);
    const found = await tools.fetch(history.request(market, from, to), 'kline', history.parse, bound);
    for (const kline of found.sort((a, b) => a.openTime - b.openTime)) {
      if (kline.openTime < from || kline.openTime >= to) continue;
      unchecked.delete(kline.openTime);
      const known = published.get(kline.openTime);
      if (known && !differs(known, kline)) continue;
      const eventTime = Math.max(kline.openTime + MINUTE - 1, (known?.eventTime ?? 0) + 1);
      const event = { ...kline, isClosed: true, eventTime };
      log.info({ openTime: kline.openTime, known: known !== undefined }, 'candle corrected');
      remember(event);
      tools.publish({ channel: 'kline', event }, true);
    }
    const newest = Math.max(...published.keys());
    for (const openTime of wanted) {
      if (!unchecked.has(openTime) || openTime > newest - LOST_MS) continue;
      log.warn({ openTime }, "the exchange's history has no such candle");
      unchecked.delete(openTime);
    }
  }

  async function inTurn(): Promise<void> {
    const before = lines.get(connector) ?? Promise.resolve();
    const mine = before.then(check);
    lines.set(
      connector,
      mine.catch(() => {}),
    );
    await mine;
  }

  return {
    ...flow,
    tick() {
      flow.tick();
      if (checking || unchecked.size === 0 || performance.now() < nextCheck || due().length === 0) return;
      checking = true;
      inTurn()
        .catch((error) => {
          if (signal.aborted) return;
          log.debug({ err: error }, 'candles not checked');
          if (error instanceof RestFailed && !error.retryable) unchecked.clear();
        })
        .finally(() => {
          checking = false;
          // what REST doesn't have yet is asked for again
          nextCheck = performance.now() + times.repairMs;
        });
    },
  };
}
