/**
 * The signed client of Binance's C2C order history: one call a time, spaced, on the exchange's clock, tried again where that
 * can help and silent for as long as a 429 or 418 asks.
 * Source: rest-api.md "SIGNED request security" and "LIMITS" of binance-spot-api-docs (2026-07), the C2C pages of the API docs.
 */
import type { C2cTradeType } from '../../schema/c2c.ts';
import { createExchangeRest, isLimit, RestFailed, type RestReply } from '../../src/platform/exchange/rest.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { BadC2cAnswer, type C2cPage, C2cRefused, readPage } from './answer.ts';
import { signedQuery } from './sign.ts';

export const C2C_URL = 'https://api.binance.com';
export const C2C_ENDPOINT = '/sapi/v1/c2c/orderMatch/listUserOrderHistory';
const TIME_ENDPOINT = '/api/v3/time';
/** Rows of a page, the most there are. */
export const ROWS = 100;
const RECV_WINDOW_MS = 10_000;
const MAX_BYTES = 4 * 1_048_576;
/** Tries of one call. */
const TRIES = 5;
const BACKOFF = { baseMs: 250, capMs: 5_000 };
/** A longer silence is not waited for but left to the next run. */
const LONGEST_WAIT_MS = 120_000;
const OUTSIDE_RECV_WINDOW = -1021;
/** errors.md: unknown, disconnected, too many requests, unexpected response, timeout, server busy, shutting down. */
const PASSING: readonly (number | string)[] = [-1000, -1001, -1003, -1006, -1007, -1008, -1016];

/** The exchange wants no calls before `until` (epoch ms). */
export class C2cPaused extends Error {
  override readonly name = 'C2cPaused';
  constructor(readonly until: number) {
    super(`Binance wants no calls before ${new Date(until).toISOString()}`);
  }
}

/** Orders made from `from` to `to`, epoch ms, both included; pages count from 1. */
export interface C2cQuestion {
  tradeType: C2cTradeType;
  from: number;
  to: number;
  page: number;
}

/** An answer with status 200, whatever it says. */
export interface C2cAnswer extends Pick<RestReply, 'callId' | 'callTs' | 'receivedAt'> {
  text: string;
}

/** The silence that is asked of every process that calls. */
export interface C2cSilence {
  /** Before when no call may be sent, epoch ms. Asked before each call. */
  until(): Promise<number>;
  /** No call before `time`, for anybody; an earlier time than is known changes nothing. */
  tell(time: number): Promise<void>;
}

export interface C2cClientOptions {
  base: string;
  key: string;
  secret: string;
  /** Pause between two calls, ms. */
  sleepMs: number;
  /** Bound on one call, ms. */
  timeoutMs: number;
  silence: C2cSilence;
  /** Called with every answer before it is read, e.g. to keep it. What it throws ends the call. */
  onAnswer(answer: C2cAnswer): Promise<void>;
}

export interface C2cClient {
  /** The exchange's clock now, epoch ms. The first call asks for it. */
  now(signal: AbortSignal): Promise<number>;
  /**
   * One page, with what the exchange's clock said when it was asked. Throws C2cRefused, BadC2cAnswer, C2cPaused, RestFailed,
   * or the signal's reason.
   */
  page(question: C2cQuestion, signal: AbortSignal): Promise<C2cPage & { askedAt: number }>;
}

/** A client of one merchant. */
export function createC2cClient(options: C2cClientOptions): C2cClient {
  const { base, key, secret, sleepMs, timeoutMs, silence } = options;
  const rest = createExchangeRest({
    base,
    timeoutMs,
    // of the 6000 a minute the feeds take 4800, and it may be their address
    weight: 1_200,
    perMs: 60_000,
    maxBytes: MAX_BYTES,
    concurrency: 1,
  });
  /** What the exchange's clock is ahead of ours by; null before it was asked. */
  let ahead: number | null = null;
  let lastAt = Number.NEGATIVE_INFINITY;

  /** Waits until a call may be sent. Throws C2cPaused where that is too long. */
  async function turn(signal: AbortSignal): Promise<void> {
    await pause(Math.max(0, lastAt + sleepMs - performance.now()), signal);
    for (let waits = 0; ; waits++) {
      signal.throwIfAborted();
      const until = await silence.until();
      const wait = until - Date.now();
      if (wait <= 0) break;
      if (wait > LONGEST_WAIT_MS || waits >= TRIES) throw new C2cPaused(until);
      await pause(wait, signal);
    }
    signal.throwIfAborted();
  }

  /** `pathOf` is called when it is sent: what it signs holds the time of that moment. */
  async function spaced(pathOf: () => string, signal: AbortSignal): Promise<RestReply> {
    await turn(signal);
    try {
      const call = { method: 'GET', path: pathOf(), weight: 1, headers: { 'X-MBX-APIKEY': key } } as const;
      const reply = await rest.call(call, signal);
      metrics.c2cCalls.inc({ outcome: 'answered' });
      return reply;
    } catch (error) {
      metrics.c2cCalls.inc({ outcome: isLimited(error) ? 'limited' : 'failed' });
      if (isLimited(error)) await silence.tell(Date.now() + (error.retryAfterMs ?? 0));
      throw error;
    } finally {
      lastAt = performance.now();
    }
  }

  async function askTime(signal: AbortSignal): Promise<number> {
    const { body, callTs, receivedAt } = await spaced(() => TIME_ENDPOINT, signal);
    let serverTime: unknown;
    try {
      ({ serverTime } = JSON.parse(body.toString('utf8')) as { serverTime?: unknown });
    } catch {
      throw new BadC2cAnswer('the time is not JSON');
    }
    if (!Number.isSafeInteger(serverTime)) throw new BadC2cAnswer('the time is no number');
    return (serverTime as number) - Math.round((callTs + receivedAt) / 2);
  }

  async function askPage({ tradeType, from, to, page }: C2cQuestion, signal: AbortSignal) {
    ahead ??= await askTime(signal);
    const offset = ahead;
    const asked = { tradeType, startTimestamp: from, endTimestamp: to, page, rows: ROWS };
    let askedAt = 0;
    const reply = await spaced(() => {
      askedAt = Date.now() + offset;
      return `${C2C_ENDPOINT}?${signedQuery({ ...asked, recvWindow: RECV_WINDOW_MS, timestamp: askedAt }, secret)}`;
    }, signal);
    const text = reply.body.toString('utf8');
    await options.onAnswer({ ...reply, text });
    return { ...readPage(text), askedAt };
  }

  /** Waits for as long as makes sense before the next try; throws where none does. */
  async function beforeNextTry(failure: unknown, attempt: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (isLimited(failure)) {
      const wait = failure.retryAfterMs ?? 0;
      if (wait > LONGEST_WAIT_MS || attempt + 1 >= TRIES) throw new C2cPaused(Date.now() + wait);
      return pause(wait, signal);
    }
    const known = refusalOf(failure);
    const passing = known
      ? typeof known.code === 'string' || PASSING.includes(known.code)
      : failure instanceof BadC2cAnswer || (failure instanceof RestFailed && failure.retryable);
    if (!passing || attempt + 1 >= TRIES) throw known ?? failure;
    const asked = failure instanceof RestFailed ? (failure.retryAfterMs ?? 0) : 0;
    await pause(Math.max(Math.min(asked, LONGEST_WAIT_MS), fullJitter(BACKOFF, attempt)), signal);
  }

  async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let resynced = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (failure) {
        if (refusalOf(failure)?.code === OUTSIDE_RECV_WINDOW) {
          ahead = null;
          // our clock or theirs has moved; a second time it is not that
          if (!resynced) {
            resynced = true;
            continue;
          }
        }
        await beforeNextTry(failure, attempt, signal);
        signal.throwIfAborted();
      }
    }
  }

  return {
    async now(signal) {
      ahead ??= await patiently(() => askTime(signal), signal);
      return Date.now() + ahead;
    },
    page: (question, signal) => patiently(() => askPage(question, signal), signal),
  };
}

function isLimited(failure: unknown): failure is RestFailed {
  return failure instanceof RestFailed && failure.status !== null && isLimit(failure.status);
}

/** What the exchange said when it refused, in either shape; null where it said nothing of its own. */
function refusalOf(failure: unknown): C2cRefused | null {
  if (failure instanceof C2cRefused) return failure;
  if (!(failure instanceof RestFailed) || !failure.reply || failure.retryable) return null;
  try {
    readPage(failure.reply.body.toString('utf8'));
  } catch (error) {
    if (error instanceof C2cRefused) return error;
  }
  return null;
}
