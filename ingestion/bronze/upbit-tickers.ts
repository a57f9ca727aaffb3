/** Upbit's REST tickers of the followed markets → bronze: the answer, and each ticker in it. */
import type { MarketInfo } from '../../schema/market.ts';
import { RestFailed, type RestReply } from '../../src/platform/exchange/rest.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { jsonbText } from '../../src/platform/postgres/jsonb.ts';
import { ensurePartitions } from '../../src/platform/postgres/partitions.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { readJson } from '../exchanges/fields.ts';
import { upbit } from '../exchanges/upbit.ts';
import { LONGEST_WAIT_MS, withGuestRest } from '../feed/guest-rest.ts';
import { listMarkets, type Venue } from '../feed/markets.ts';
import { type Task, type TaskContext, TaskFailed } from '../task.ts';

const ENDPOINT = '/v1/ticker';
/** Markets in one question: some hundred keep its path short. */
const MARKETS = 100;
const TRIES = 4;
const BACKOFF = { baseMs: 500, capMs: 5_000 };
const DAY = 86_400_000;

// numbers stay as they were sent: the answer is taken apart where they are exact
const INSERT = `WITH landed AS (
  INSERT INTO bronze.raw_landing (call_id, source, endpoint, payload, call_ts, received_at)
  VALUES ($1, $2, $3, $4::jsonb, $5, $6) ON CONFLICT DO NOTHING RETURNING 1
), events AS (
  INSERT INTO bronze.raw_event (event_id, source, symbol, ts_event, payload, call_id, received_at)
  SELECT $1 || ':' || o.place - 1, $2, m.symbol, m.time, o.body, $1, $6
  FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS o (body, place)
  JOIN unnest($7::text[], $8::timestamptz[]) WITH ORDINALITY AS m (symbol, time, place) USING (place)
  ON CONFLICT DO NOTHING RETURNING 1
) SELECT (SELECT count(*)::int FROM landed) AS landed, (SELECT count(*)::int FROM events) AS events`;

/** The markets of the settings that Upbit lists. */
async function followed(venue: Venue, { platform, log }: TaskContext): Promise<MarketInfo[]> {
  const wanted = platform.config.MARKETS.filter(({ exchange }) => exchange === 'UPBIT');
  if (wanted.length === 0) return [];
  const list = await listMarkets(venue, log);
  if (!list) throw new TaskFailed("Upbit's list of markets can't be had: does UPBIT_REST_URL answer? The log says why");
  const symbols = new Set(wanted.map(({ symbol }) => symbol));
  return list.filter((market) => (symbols.has('*') && market.status === 'TRADING') || symbols.has(market.symbol));
}

async function ask({ rest }: Venue, markets: readonly MarketInfo[], signal: AbortSignal): Promise<RestReply> {
  const path = `${ENDPOINT}?markets=${markets.map(({ nativeSymbol }) => nativeSymbol).join(',')}`;
  for (let attempt = 0; ; attempt++) {
    try {
      return await rest.call({ method: 'GET', path, weight: 1 }, signal);
    } catch (error) {
      signal.throwIfAborted();
      const passing = error instanceof RestFailed && error.retryable && (error.retryAfterMs ?? 0) <= LONGEST_WAIT_MS;
      if (!passing || attempt + 1 >= TRIES) throw error;
      await pause(Math.max(error.retryAfterMs ?? 0, fullJitter(BACKOFF, attempt)), signal);
    }
  }
}

/** Writes an answer in one statement. Resolves with the rows written. Throws BadFrame where it is no list. */
async function keep(postgres: Postgres, reply: RestReply, markets: readonly MarketInfo[]): Promise<number> {
  const { body, callId, callTs, receivedAt } = reply;
  const parsed = readJson(body);
  const tickers = (Array.isArray(parsed) ? parsed : []) as { market?: unknown; timestamp?: unknown }[];
  const bySymbol = new Map(markets.map(({ nativeSymbol, symbol }) => [nativeSymbol, symbol]));
  // a time that is not of these days would make partitions nobody needs
  const near = (time: unknown): time is number =>
    Number.isSafeInteger(time) && Math.abs((time as number) - receivedAt) < DAY;
  const times = tickers.map((ticker) => (near(ticker?.timestamp) ? ticker.timestamp : receivedAt));
  await ensurePartitions(postgres, 'bronze.raw_landing_market', 'day', [callTs]);
  await ensurePartitions(postgres, 'bronze.raw_event_market', 'day', times);
  const [written] = await postgres.query<{ landed: number; events: number }>(INSERT, [
    ...[callId, 'UPBIT', ENDPOINT, Array.isArray(parsed) ? jsonbText(body.toString('utf8')).text : '[]'],
    ...[new Date(callTs), new Date(receivedAt)].map((time) => time.toISOString()),
    tickers.map((ticker) => bySymbol.get(String(ticker?.market)) ?? null),
    times.map((time) => new Date(time).toISOString()),
  ]);
  const { landed = 0, events = 0 } = written ?? {};
  metrics.rows.inc({ table: 'bronze.raw_landing' }, landed);
  metrics.rows.inc({ table: 'bronze.raw_event' }, events);
  return landed + events;
}

/**
 * Fetches the tickers of the markets of Upbit that are followed into bronze. rowsIn counts answers, rowsOut rows written.
 * Throws RestFailed, BadFrame or what the database says; answers that were written stay.
 */
export const fetchUpbitTickers: Task = {
  name: 'fetch_upbit_tickers',
  async run(context) {
    const { platform, signal, progress } = context;
    const { postgres } = platform;
    return withGuestRest(context, upbit, async (rest) => {
      const markets = await followed({ connector: upbit, rest }, context);
      const total = { rowsIn: 0, rowsOut: 0 };
      for (let i = 0; i < markets.length; i += MARKETS) {
        const part = markets.slice(i, i + MARKETS);
        const reply = await ask({ connector: upbit, rest }, part, signal);
        total.rowsIn++;
        total.rowsOut += await keep(postgres, reply, part);
        progress(Math.min(i + MARKETS, markets.length), markets.length);
      }
      return total;
    });
  },
};
