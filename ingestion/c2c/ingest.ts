/** Binance C2C → the landing store and public.c2c_order: a merchant's own orders, each side of them window by window. */
import { C2C_SOURCE, C2C_TRADE_TYPES, type C2cTradeType } from '../../schema/c2c.ts';
import { parseC2cOrder } from '../../schema/c2c-order.ts';
import { landingFile } from '../../src/platform/landing/answer.ts';
import { openLanding } from '../../src/platform/landing/open.ts';
import type { LandingStore } from '../../src/platform/landing/store.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { keepRejects, type Reject } from '../bronze/rejects.ts';
import type { Task, TaskContext, TaskResult } from '../task.ts';
import { fault } from '../workers/fault.ts';
import type { C2cPage } from './answer.ts';
import { C2C_ENDPOINT, C2C_URL, type C2cAnswer, type C2cClient, createC2cClient } from './client.ts';
import { claimHost } from './host.ts';
import { headersOf, mayChange } from './open-orders.ts';
import { upsertOrders } from './orders.ts';
import { accountOf, type C2cSink, keptSilence, readPosition, savePosition } from './progress.ts';
import { WindowReader } from './window-pages.ts';
import { beginning, type FetchMode, type Position, plan, type Window } from './windows.ts';

type Page = C2cPage & { askedAt: number };

interface Run extends TaskContext {
  mode: FetchMode;
  sinks: readonly C2cSink[];
  account: string;
  client: C2cClient;
  total: TaskResult;
  /** Orders that were none, with the first reason. */
  rejected: { count: number; first: string | null };
}

/** The text as JSON that a file may hold: what is none is kept as text. */
function payloadOf(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

async function land(store: LandingStore, { callId, callTs, receivedAt, text }: C2cAnswer): Promise<void> {
  const answer = { callId, source: C2C_SOURCE, endpoint: C2C_ENDPOINT, callTs, receivedAt, payload: payloadOf(text) };
  await store.write(await landingFile(answer));
  fault('after_landing');
}

/** One page of a window into the table. Resolves with when those of its orders were made that may still change. */
async function take(run: Run, window: Window, { orders, askedAt }: Page): Promise<number[]> {
  const { postgres } = run.platform;
  const parsed = orders.map((said) => ({ said, ...parseC2cOrder(said) }));
  const good = parsed.flatMap((one) => ('order' in one ? [one.order] : []));
  const rejects = parsed.flatMap((one): Reject[] => {
    if (!('reason' in one)) return [];
    const content = JSON.stringify(one.said);
    return [{ group: 'c2c_orders', place: C2C_ENDPOINT, content, reason: one.reason, headers: headersOf(one.said) }];
  });
  run.total.rowsIn += orders.length;
  if (rejects.length > 0) {
    await keepRejects(postgres, rejects);
    run.rejected.count += rejects.length;
    run.rejected.first ??= rejects[0]?.reason ?? null;
  }
  if (run.sinks.includes('upsert')) {
    const changed = await upsertOrders(postgres, good, askedAt);
    metrics.rows.inc({ table: 'public.c2c_order' }, changed);
    run.total.rowsOut += changed;
  }
  fault('after_write');
  return parsed.flatMap((one) => mayChange(one, window, askedAt) ?? []);
}

async function fetchSide(
  run: Run,
  tradeType: C2cTradeType,
  done: (part: number, parts: number) => void,
): Promise<void> {
  const { sinks, account, mode, client, platform, log, signal } = run;
  const { postgres } = platform;
  const positions: (Position | null)[] = [];
  for (const sink of sinks) positions.push(await readPosition(postgres, account, sink, tradeType));
  const windows = plan(mode, positions, await client.now(signal));
  const first = mode === 'latest_month' ? null : beginning(windows);
  let openAt: number[] = [];
  const reader = new WindowReader<Page>(async ({ from, to }: Window, page) => {
    const answer = await client.page({ tradeType, from, to, page }, signal);
    openAt.push(...(await take(run, { from, to }, answer)));
    return answer;
  });
  for (const [i, window] of windows.entries()) {
    openAt = [];
    if (await reader.read(window)) {
      for (const sink of sinks) await savePosition(postgres, { account, sink, side: tradeType }, window, openAt, first);
      fault('after_commit');
    } else {
      log.warn({ tradeType, ...window }, 'C2C orders moved while they were read; the window is read again next time');
    }
    done(i + 1, windows.length);
  }
}

async function ingest(context: TaskContext, mode: FetchMode, sinks: readonly C2cSink[]): Promise<TaskResult> {
  const { platform, log, progress } = context;
  const { config, postgres } = platform;
  const total: TaskResult = { rowsIn: 0, rowsOut: 0 };
  if (sinks.length === 0) return total;
  if (!config.BINANCE_API_KEY) {
    log.info('no key of the C2C API is set: no orders are fetched');
    return total;
  }
  const base = config.BINANCE_C2C_URL ?? C2C_URL;
  const claim = await claimHost(postgres, base);
  const landing = sinks.includes('landing') ? await openLanding(config) : null;
  const client = createC2cClient({
    ...{ base, key: config.BINANCE_API_KEY, secret: config.BINANCE_API_SECRET },
    ...{ sleepMs: config.SLEEP_INTERVAL, timeoutMs: config.STORE_TIMEOUT_MS },
    silence: keptSilence(postgres, base),
    async onAnswer(answer) {
      await claim();
      if (!landing) return;
      await land(landing, answer);
      total.rowsOut++;
    },
  });
  const account = accountOf(base, config.BINANCE_API_KEY);
  const run: Run = { ...context, mode, sinks, account, client, total, rejected: { count: 0, first: null } };
  try {
    for (const [i, tradeType] of C2C_TRADE_TYPES.entries()) {
      await fetchSide(run, tradeType, (part, parts) => progress(i * parts + part, C2C_TRADE_TYPES.length * parts));
    }
  } finally {
    landing?.close();
    const { count, first } = run.rejected;
    if (count > 0) log.warn({ count, first }, 'answers that are no orders were kept apart');
  }
  log.info({ mode, sinks, orders: total.rowsIn, written: total.rowsOut }, 'C2C orders fetched');
  return total;
}

/** What is switched on. */
function enabled({ config }: TaskContext['platform']): C2cSink[] {
  return [
    ...(config.ENABLE_LANDING_WRITE === 'true' ? (['landing'] as const) : []),
    ...(config.ENABLE_DB_UPSERT === 'true' ? (['upsert'] as const) : []),
  ];
}

/**
 * Fetches orders as FETCH_MODE says into the sinks that are switched on. rowsIn counts orders received, rowsOut answers
 * landed and rows changed. Without a key it does nothing.
 */
export const ingestC2cOrders: Task = {
  name: 'ingest_c2c_orders',
  run: (context) => ingest(context, context.platform.config.FETCH_MODE, enabled(context.platform)),
};

/** Brings public.c2c_order up to date with the latest orders, unless ENABLE_DB_UPSERT is off; nothing lands. */
export const upsertLatestC2cOrders: Task = {
  name: 'upsert_latest_c2c_orders',
  run: (context) =>
    ingest(
      context,
      'latest',
      enabled(context.platform).filter((sink) => sink === 'upsert'),
    ),
};
