/**
 * Owner of fetch towards exchanges: bounded in time and size, spaced by request weight, silent for as long as a 429 or
 * 418 asks. A call is one attempt; whether to try again is its caller's business.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RestRequest {
  method: 'GET' | 'POST';
  /** Path and query below the base. */
  path: string;
  /** What the exchange counts it as. */
  weight: number;
  /** Largest body; the client's own bound where left out. */
  maxBytes?: number;
  headers?: Readonly<Record<string, string>>;
}

export interface RestReply {
  body: Buffer;
  callId: string;
  /** When it was sent and answered, epoch ms. */
  callTs: number;
  receivedAt: number;
}

/**
 * True for an answer to who asks too much: 429; 418 where he went on; 403 of a firewall (binance-spot-api-docs, rest-api.md: "HTTP
 * 403 return code is used when the WAF Limit has been violated").
 */
export const isLimit = (status: number): boolean => status === 429 || status === 418 || status === 403;

/** A call that brought no usable body. */
export class RestFailed extends Error {
  override readonly name = 'RestFailed';
  constructor(
    message: string,
    /** HTTP status; null where none arrived. */
    readonly status: number | null,
    /** How long the exchange wants us to be silent. */
    readonly retryAfterMs: number | null = null,
    /** What the exchange said, for the record. */
    readonly reply: RestReply | null = null,
  ) {
    super(message);
  }

  /** False where the same request would be refused again. */
  get retryable(): boolean {
    return this.status === null || isLimit(this.status) || this.status >= 500;
  }
}

export interface ExchangeRestOptions {
  base: string;
  timeoutMs: number;
  /** Request weight allowed in `perMs`. */
  weight: number;
  perMs: number;
  maxBytes?: number;
  /** Calls under way at once. */
  concurrency?: number;
}

export interface ExchangeRest {
  /** One attempt, after waiting for its turn. Throws RestFailed, or the signal's reason when aborted. */
  call(request: RestRequest, signal: AbortSignal): Promise<RestReply>;
  /** Nothing is sent for this long; what a 429 in disguise asks for. */
  pause(ms: number): void;
  /** For how long nothing will be sent, ms; 0 where calls are. */
  silentFor(): number;
  /** The address is shared by so many processes: each keeps to its part of the weight. */
  divide(parts: number): void;
}

const MEGABYTE = 1_048_576;
/** Silence where a refusal for asking too much names none. */
export const DEFAULT_PAUSE_MS = 10_000;

/** Milliseconds of a Retry-After header (seconds or a date); null when there is none. */
export function retryAfterMs(header: string | null | undefined, now = Date.now()): number | null {
  if (!header) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now;
  // a ban may last three days; anything longer is not an answer
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3 * 86_400_000) : null;
}

/** How long a 429 asks for silence: Retry-After in s, KuCoin's gw-ratelimit-reset in ms; null where neither is there. */
function limitedMs(headers: Headers): number | null {
  const reset = headers.get('gw-ratelimit-reset') ?? '';
  const ms = /^[0-9]{1,9}$/.test(reset) ? Number(reset) : null;
  return retryAfterMs(headers.get('retry-after')) ?? ms;
}

async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.body === null) return Buffer.alloc(0);
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new RestFailed(`body larger than ${maxBytes} bytes`, 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Resolves with `wait`; rejects with the signal's reason as soon as it is aborted. */
function unlessAborted(wait: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    void wait.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}

/** The REST client of one exchange, shared by everything that talks to it from this process. */
export function createExchangeRest(options: ExchangeRestOptions): ExchangeRest {
  const concurrency = options.concurrency ?? 4;
  let pausedUntil = 0;
  let running = 0;
  let weight = options.weight;
  let allowance = weight;
  let refilledAt = performance.now();
  let line: Promise<unknown> = Promise.resolve();

  async function turn(wanted: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const now = performance.now();
      allowance = Math.min(weight, allowance + ((now - refilledAt) * weight) / options.perMs);
      refilledAt = now;
      const short = Math.min(wanted, weight) - allowance;
      const wait = Math.max(pausedUntil - now, short > 0 ? (short * options.perMs) / weight : 0);
      if (wait <= 0 && running < concurrency) break;
      await sleep(Math.max(wait, 5), undefined, { signal });
    }
    allowance -= wanted;
    running++;
  }

  async function attempt(request: RestRequest, signal: AbortSignal): Promise<RestReply> {
    const callTs = Date.now();
    const callId = randomUUID();
    let response: Response;
    let body: Buffer;
    try {
      response = await fetch(options.base + request.path, {
        method: request.method,
        headers: request.headers,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]),
      });
      body = await readBody(response, request.maxBytes ?? options.maxBytes ?? 4 * MEGABYTE);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RestFailed) throw error;
      const cause = (error as { cause?: { code?: string; message?: string } }).cause;
      throw new RestFailed(`${(error as Error).message} ${cause?.code ?? cause?.message ?? ''}`.trim(), null);
    }
    const reply: RestReply = { body, callId, callTs, receivedAt: Date.now() };
    if (response.ok) return reply;
    const limited = isLimit(response.status);
    const wait = limited
      ? (limitedMs(response.headers) ?? DEFAULT_PAUSE_MS)
      : retryAfterMs(response.headers.get('retry-after'));
    if (limited && wait !== null) pausedUntil = Math.max(pausedUntil, performance.now() + wait);
    throw new RestFailed(`HTTP ${response.status}`, response.status, wait, reply);
  }

  return {
    async call(request, signal) {
      // first come, first served: a heavy request is not starved by light ones
      const before = line;
      const { promise, resolve } = Promise.withResolvers<void>();
      line = promise;
      try {
        await unlessAborted(before, signal);
        await turn(request.weight, signal);
      } finally {
        // one that gave up leaves its place to those behind it only when those before it are through
        void before.then(() => resolve());
      }
      try {
        return await attempt(request, signal);
      } finally {
        running--;
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, performance.now() + ms);
    },
    silentFor: () => Math.max(0, pausedUntil - performance.now()),
    divide(parts) {
      weight = options.weight / Math.max(1, parts);
    },
  };
}
