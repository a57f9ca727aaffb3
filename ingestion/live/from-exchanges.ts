/**
 * The exchanges' REST → crypto_kline_1m: the minutes since the newest one in gold, as a back-fill sends them. For markets
 * that a feed follows they are repeats; of one that nobody has followed for a while they are news.
 */
import { type Exchange, INTERVALS, type MarketInfo } from '../../schema/market.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { ExchangeRest } from '../../src/platform/exchange/rest.ts';
import type { Connector } from '../exchanges/connector.ts';
import { CONNECTORS } from '../exchanges/index.ts';
import { withGuestRest } from '../feed/guest-rest.ts';
import { loadNewestMinutes } from '../gold/kline.ts';
import { type Task, type TaskContext, TaskFailed } from '../task.ts';
import { knownMarkets } from './from-gold.ts';

const MINUTE = INTERVALS.M1;
/** So far back at the most: the rest is the feeds' to fetch. */
const REACH_MS = 60 * MINUTE;
/** An exchange's history has a minute this long after its end. */
const SETTLED_MS = 6_000;

/** One exchange's minutes into the topic. Resolves with how many. Throws RestFailed, BadFrame or what the log says. */
async function fetchMinutes(
  connector: Connector,
  { platform, signal }: TaskContext,
  rest: ExchangeRest,
): Promise<number> {
  const { config, postgres, broker } = platform;
  const { exchange, klineHistory } = connector;
  const patterns = config.MARKETS.filter((pattern) => pattern.exchange === exchange);
  const followed = (symbol: string) => patterns.some((pattern) => pattern.symbol === '*' || pattern.symbol === symbol);
  const markets = (await knownMarkets(postgres)).filter((m) => m.exchange === exchange && followed(m.symbol));
  if (!klineHistory || markets.length === 0) return 0;
  const newest = await loadNewestMinutes(postgres, markets);
  let sent = 0;
  for (const [i, { symbol, nativeSymbol }] of markets.entries()) {
    const now = Date.now();
    const to = Math.floor((now - SETTLED_MS) / MINUTE) * MINUTE;
    const from = Math.max((newest[i] ?? 0) + MINUTE, to - Math.min(REACH_MS, klineHistory.limit * MINUTE));
    if (from >= to) continue;
    const market: MarketInfo = { ...connector.assume(symbol), nativeSymbol };
    const { body, receivedAt } = await rest.call(klineHistory.request(market, from, to), signal);
    const refusal = connector.refusal?.(body);
    if (refusal) throw new TaskFailed(`${exchange} refuses: ${refusal.reason}`);
    const minutes = klineHistory
      .parse(body, market, receivedAt)
      .filter(({ openTime }) => openTime >= from && openTime < to)
      .sort((a, b) => a.openTime - b.openTime);
    const { name, key, encode } = TOPICS.kline1m;
    await broker.send(
      name,
      minutes.map((k) => ({ key: key(k), value: encode(k) })),
    );
    sent += minutes.length;
  }
  return sent;
}

/** Asks every exchange; one that does not answer is logged and left out. Throws where none answers. */
export const minutesFromExchanges: Task = {
  name: 'minutes_from_exchanges',
  async run(context) {
    const { platform, log, signal, progress } = context;
    const used = [...new Set(platform.config.MARKETS.map(({ exchange }): Exchange => exchange))];
    let rows = 0;
    let failed = 0;
    for (const [i, exchange] of used.entries()) {
      signal.throwIfAborted();
      try {
        const connector = CONNECTORS[exchange];
        rows += await withGuestRest(context, connector, (rest) => fetchMinutes(connector, context, rest));
      } catch (error) {
        if (signal.aborted) throw error;
        failed++;
        log.warn({ err: error, exchange }, "newest minutes can't be had");
      }
      progress(i + 1, used.length);
    }
    if (failed > 0 && failed === used.length) throw new TaskFailed('no exchange answers');
    return { rowsIn: rows, rowsOut: rows };
  },
};
