/**
 * A client of its own will: connects to whichever server answers, reads, pauses, is cut off, and comes back with its last
 * cursor. It knows the protocol and keeps everything it is told; it judges nothing.
 */
import { WebSocket } from 'ws';
import type { Kind } from './oracle-producer.ts';

/** What one client was told, in order. */
export type Heard =
  | {
      kind: 'event';
      /** The figure that numbers the event. */
      n: number;
      cursor: string;
      sequence: string;
      start: string | null;
      gap: { missed: number | null; reason: string } | null;
      /** What is said of the client's filter, where it has one. */
      matches?: boolean;
    }
  /** A subscription was begun; `after` is what it was asked to go on from. */
  | { kind: 'begun'; after: string | null }
  | { kind: 'error'; code: string; cursor: string | null }
  | { kind: 'stale'; stale: { reason: string } | null };

/** What a client of spreads asks for; what is null may be anything. */
export interface SpreadFilter {
  base: string | null;
  minNetPercent: string | null;
  executableOnly: boolean;
}

export interface ClientPlan {
  name: string;
  what: Kind;
  symbol: string;
  filter: SpreadFilter | null;
  onSlow: 'CONFLATE' | 'DROP_WITH_GAP' | 'DISCONNECT';
  /** Selects so much that a pause of seconds fills what the kernel holds. */
  heavy: boolean;
}

const FIELDS = {
  trade: { field: 'tradeExecuted', content: 'trade { quantity', figure: 'quantity', parent: 'trade' },
  ticker: { field: 'tickerUpdated', content: 'ticker { last', figure: 'last', parent: 'ticker' },
  kline: { field: 'klineUpdated', content: 'kline { close', figure: 'close', parent: 'kline' },
  spread: {
    ...{
      field: 'arbitrageSpreadUpdated',
      content: 'matches spread { netProfit',
      figure: 'netProfit',
      parent: 'spread',
    },
  },
} as const;
const PAD = Array.from({ length: 400 }, (_, i) => `${'padding'.repeat(9)}${i}: __typename`).join(' ');

function argumentsOf({ base, minNetPercent, executableOnly }: SpreadFilter): string {
  const least = minNetPercent === null ? '' : `, minNetPercent: "${minNetPercent}"`;
  return `${base === null ? '' : `base: "${base}", `}executableOnly: ${executableOnly}${least}`;
}

interface Message {
  type: string;
  payload?: {
    data?: Record<string, Record<string, unknown>> | null;
    extensions?: { stale?: { reason: string } | null };
    errors?: unknown;
  } & { extensions?: Record<string, unknown> }[];
}

export class OracleClient {
  readonly heard: Heard[] = [];
  /** How sockets ended, by code. */
  readonly closes = new Map<number, number>();
  readonly unexpected: string[] = [];
  private socket: WebSocket | null = null;
  private cursor: string | null = null;
  private stopped = false;
  private attempts = 0;
  private pausing: NodeJS.Timeout | null = null;

  constructor(
    readonly plan: ClientPlan,
    private readonly urls: readonly string[],
    private readonly random: () => number,
  ) {}

  connect(): void {
    if (this.stopped) return;
    const url = this.urls[Math.floor(this.random() * this.urls.length)] as string;
    const socket = new WebSocket(url, 'graphql-transport-ws', { handshakeTimeout: 3_000 });
    this.socket = socket;
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => {
      // what the kernel still held when the cut was made counts for nothing
      if (this.socket === socket) this.take(JSON.parse(String(data)) as Message);
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
      if (this.socket === socket) this.again();
    });
  }

  /** The connection breaks without a word. */
  cut(): void {
    const { socket } = this;
    this.socket = null;
    socket?.terminate();
    this.again();
  }

  /** Reads nothing for a while. */
  pause(ms: number): void {
    const { socket } = this;
    if (this.pausing || socket?.readyState !== WebSocket.OPEN) return;
    socket.pause();
    this.pausing = setTimeout(() => {
      this.pausing = null;
      socket.resume();
    }, ms);
  }

  stop(): void {
    this.stopped = true;
    if (this.pausing) clearTimeout(this.pausing);
    this.socket?.terminate();
  }

  private again(): void {
    this.socket = null;
    this.attempts += 1;
    setTimeout(() => this.connect(), 50 + this.random() * Math.min(2_000, 200 * this.attempts));
  }

  private subscribe(): void {
    const { what, symbol, onSlow, heavy, filter } = this.plan;
    const { field, content } = FIELDS[what];
    const after = this.cursor;
    const of = filter ? argumentsOf(filter) : `exchange: BINANCE, symbol: "${symbol}"`;
    const args = `${of}, onSlow: ${onSlow}${after ? `, after: "${after}"` : ''}`;
    const query = `subscription { ${field}(${args}) { cursor sequence start gap { missed reason } ${content} ${heavy ? PAD : ''} } } }`;
    this.heard.push({ kind: 'begun', after });
    this.socket?.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }));
  }

  private take({ type, payload }: Message): void {
    if (type === 'connection_ack') this.subscribe();
    else if (type === 'next') this.next(payload);
    else if (type === 'error') this.error(payload?.[0]?.extensions ?? {}, JSON.stringify(payload));
    // the server ended it: it will close the socket, too
    else if (type !== 'complete' && type !== 'ping') this.unexpected.push(JSON.stringify({ type, payload }));
  }

  private next(payload: Message['payload']): void {
    const { field, figure, parent } = FIELDS[this.plan.what];
    const event = payload?.data?.[field];
    if (payload?.errors) this.unexpected.push(JSON.stringify(payload.errors));
    else if (event) {
      this.attempts = 0;
      const content = event[parent] as Record<string, string>;
      const { cursor, sequence, start, gap, matches } = event as Omit<Heard & { kind: 'event' }, 'kind' | 'n'>;
      this.heard.push({ kind: 'event', n: Number(content[figure]), cursor, sequence, start, gap, matches });
      this.cursor = cursor;
    } else if (payload?.extensions && 'stale' in payload.extensions) {
      this.heard.push({ kind: 'stale', stale: payload.extensions.stale ?? null });
    } else this.unexpected.push(JSON.stringify(payload));
  }

  private error(extensions: Record<string, unknown>, text: string): void {
    const { code, cursor = null } = extensions as { code?: string; cursor?: string | null };
    this.heard.push({ kind: 'error', code: code ?? '', cursor });
    if (code === 'CURSOR_EXPIRED') this.cursor = null;
    else if (code !== 'SLOW_CONSUMER' && code !== 'STORE_UNAVAILABLE' && code !== 'LIMIT_EXCEEDED') {
      this.unexpected.push(text);
    }
    const { socket } = this;
    setTimeout(
      () => {
        if (this.socket === socket && socket?.readyState === WebSocket.OPEN) this.subscribe();
      },
      100 + this.random() * 500,
    );
  }
}
