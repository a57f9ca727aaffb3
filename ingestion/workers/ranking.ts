/**
 * Newest tickers → crypto_ranking, once a second at the most, by one process of all. A ranking whose figures are as before
 * is not sent: every event of the stream says something new, and its sequence stays dense.
 */
import { rankingStreamId, streamKey } from '../../schema/channels.ts';
import { rankingKey, tickerKey } from '../../schema/live/keys.ts';
import type { MarketRef, TickerEvent } from '../../schema/market.ts';
import { RANKING_METRICS, type RankingEvent, type RankingMetric, type RankingRow } from '../../schema/ranking.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { Log } from '../../src/platform/log.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { Lease } from '../../src/platform/postgres/lease.ts';
import { rankingsOf } from '../rankings/table.ts';
import { Volatility } from '../rankings/volatility.ts';
import type { Singleton } from './singleton.ts';

/** How often the list of markets is read anew. */
const MARKETS_MS = 30_000;
/** A ranking that does not show in the live store is sent again after this long. */
const RESEND_MS = 5_000;

const STREAMS = RANKING_METRICS.map((metric) => streamKey('ranking', rankingStreamId({ metric })));

/** What was sent last of a metric. */
interface Sent {
  /** The rows without their times. */
  content: string;
  at: number;
}

/** What makes a ranking another one: figures that are told again are not. */
function contentOf(rows: readonly RankingRow[]): string {
  return JSON.stringify(rows.map((row) => row.slice(0, -1)));
}

function begin(platform: Platform, log: Log): (lease: Lease) => Promise<void> {
  const { live, broker, postgres, config } = platform;
  const volatility = new Volatility(postgres);
  const sent = new Map<RankingMetric, Sent>();
  let markets: MarketRef[] = [];
  let listedAt = Number.NEGATIVE_INFINITY;
  let computedAt: number | null = null;

  async function listMarkets(): Promise<void> {
    if (performance.now() - listedAt < MARKETS_MS && markets.length > 0) return;
    markets = await postgres.query<MarketRef>('SELECT exchange, symbol FROM gold.market ORDER BY exchange, symbol');
    listedAt = performance.now();
  }

  /** `now`, or what makes it greater than that of every ranking before, also of a holder whose clock was ahead. */
  async function timeAfterAll(now: number): Promise<number> {
    if (computedAt === null) {
      const newest = await live.latest(RANKING_METRICS.map(rankingKey));
      const times = newest.map((latest) => (latest ? (JSON.parse(latest.value) as RankingEvent).computedAt : 0));
      computedAt = Math.max(...times);
    }
    computedAt = Math.max(now, computedAt + 1);
    return computedAt;
  }

  async function newestTickers(): Promise<TickerEvent[]> {
    const newest = await live.latest(markets.map(tickerKey));
    return newest.flatMap((latest) => (latest ? [JSON.parse(latest.value) as TickerEvent] : []));
  }

  return async (lease) => {
    const now = Date.now();
    const endTimer = metrics.rankingSeconds.startTimer();
    await listMarkets();
    const tickers = await newestTickers();
    if (tickers.length === 0) return;
    const newest = tickers.reduce((latest, t) => Math.max(latest, t.eventTime), 0);
    // without the tables the other metrics are still known
    await volatility.refresh(markets, now, Math.min(now, newest)).catch((error) => {
      log.warn({ err: error }, 'volatility not made anew');
    });
    const known = { volatility: volatility.of.bind(volatility), supply: config.SUPPLY_FILE };
    const rankings = rankingsOf(tickers, known, now);
    const positions = await live.positions(STREAMS);
    const time = await timeAfterAll(now);
    const due: (Sent & { event: RankingEvent })[] = [];
    for (const [i, metric] of RANKING_METRICS.entries()) {
      const { rows } = rankings[metric];
      const leftOut = markets.length - rows.length;
      metrics.rankingLeftOut.set({ metric }, leftOut);
      const content = contentOf(rows);
      const before = sent.get(metric);
      const shows = positions[i] !== null || (before !== undefined && time - before.at < RESEND_MS);
      if (before?.content === content && shows) continue;
      const eventTime = rows.reduce((latest, row) => Math.max(latest, row[7]), 0) || time;
      due.push({ content, at: time, event: { metric, computedAt: time, eventTime, leftOut, rows } });
    }
    endTimer();
    if (due.length === 0 || !lease.isHeld()) return;
    const { name, key, encode } = TOPICS.ranking;
    await broker.send(
      name,
      due.map(({ event }) => ({ key: key(event), value: encode(event) })),
    );
    for (const { event, content, at } of due) sent.set(event.metric, { content, at });
  };
}

/** The first round waits as long as there is between two: the holder before may have sent just now. */
export const RANKING: Singleton = { name: 'ranking', everyMs: 1_000, firstMs: 1_000, begin };
