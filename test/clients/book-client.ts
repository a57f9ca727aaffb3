/**
 * A client that keeps a copy of an order book, written from docs/clients.md alone: nothing of this project is imported.
 * It checks what the guide promises with every event and throws what does not hold.
 */
import { crc32 } from 'node:zlib';
import { WebSocket } from 'ws';

export interface BookClientOptions {
  /** E.g. ws://127.0.0.1:4000/graphql; several: any of them, each time. */
  url: string | readonly string[];
  exchange: string;
  symbol: string;
  depth: number;
  onSlow: 'CONFLATE' | 'DROP_WITH_GAP' | 'DISCONNECT';
  throttleMs: number;
  /** Shortest pause before a connection is made again, ms; 5. */
  retryMs?: number;
  /** Told with every event, once the copy has it; `time` is that of the book. */
  onEvent?(client: BookClient, time: string): void;
}

interface BookEvent {
  cursor: string;
  sequence: string;
  start: 'LIVE' | 'RESUMED' | 'RESET' | null;
  gap: { missed: number | null; reason: string } | null;
  snapshot: boolean;
  bids: { price: string; quantity: string }[];
  asks: { price: string; quantity: string }[];
  checksum: string;
  time: string;
}

const QUERY = `subscription Book($exchange: Exchange!, $symbol: String!, $depth: Int!, $after: Cursor,
    $throttleMs: Int!, $onSlow: SlowConsumerPolicy!) {
  orderBookUpdated(exchange: $exchange, symbol: $symbol, depth: $depth, after: $after, throttleMs: $throttleMs, onSlow: $onSlow) {
    cursor sequence start gap { missed reason } snapshot bids { price quantity } asks { price quantity } checksum time
  }
}`;

/** Prices of one side, best first; prices are compared as numbers, only to put them in order. */
function best(side: Map<string, string>, direction: 1 | -1, count: number): [string, string][] {
  return [...side].sort(([a], [b]) => (Number(a) - Number(b)) * direction).slice(0, count);
}

export class BookClient {
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();
  /** Of the last event; null before the first. */
  sequence: bigint | null = null;
  readonly seen = {
    events: 0,
    snapshots: 0,
    resumed: 0,
    reset: 0,
    connections: 0,
    missed: {} as Record<string, number>,
  };
  /** What the guide promises and did not hold; null while all is well. */
  fault: Error | null = null;
  private cursor: string | null = null;
  private socket: WebSocket | null = null;
  private stopped = false;

  constructor(private readonly options: BookClientOptions) {}

  start(): void {
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.socket?.terminate();
  }

  /** The network breaks. */
  cut(): void {
    this.socket?.terminate();
  }

  /** Reads nothing for a while. */
  pause(): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.pause();
  }

  resume(): void {
    if (this.socket?.isPaused) this.socket.resume();
  }

  /** The copy as the text that the checksum is of, with all of its levels. */
  get text(): string {
    const side = (levels: [string, string][]): string => levels.map(([p, q]) => `${p}:${q}`).join(',');
    return `${side(best(this.bids, -1, this.options.depth))}|${side(best(this.asks, 1, this.options.depth))}`;
  }

  private connect(): void {
    const { url, exchange, symbol, depth, onSlow, throttleMs, retryMs = 5 } = this.options;
    const urls = [url].flat();
    const any = urls[Math.floor(Math.random() * urls.length)] as string;
    const socket = new WebSocket(any, 'graphql-transport-ws');
    this.socket = socket;
    this.seen.connections += 1;
    const variables = { exchange, symbol, depth, onSlow, throttleMs, after: this.cursor };
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => {
      // what a dead socket still had in hand does not count
      if (this.socket !== socket || socket.readyState !== WebSocket.OPEN) return;
      const message = JSON.parse(String(data));
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: QUERY, variables } }));
      } else if (message.type === 'ping') {
        socket.send('{"type":"pong"}');
      } else if (message.type === 'next') {
        this.next(message.payload);
      } else if (message.type === 'error' || message.type === 'complete') {
        this.ended(message.payload);
        socket.terminate();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.socket !== socket) return;
      this.socket = null;
      // at random, so that not all come back at once
      if (!this.stopped) setTimeout(() => this.connect(), retryMs * (1 + Math.random() * 4));
    });
  }

  private next({ data, errors }: { data: { orderBookUpdated: BookEvent } | null; errors?: unknown }): void {
    if (errors) this.fail('an error in place of an event', errors);
    // without data it is a notice
    if (!data) return;
    const event = data.orderBookUpdated;
    const sequence = BigInt(event.sequence);
    this.account(event, sequence);
    this.apply(event);
    this.sequence = sequence;
    this.cursor = event.cursor;
    this.seen.events += 1;
    this.options.onEvent?.(this, event.time);
  }

  private account({ start, gap, snapshot }: BookEvent, sequence: bigint): void {
    const missed = gap ? gap.missed : 0;
    if (gap) this.seen.missed[gap.reason] = (this.seen.missed[gap.reason] ?? 0) + (gap.missed ?? 1);
    if (start === 'RESUMED') this.seen.resumed += 1;
    if (start === 'RESET') this.seen.reset += 1;
    const has = this.sequence;
    if (has === null) {
      if (start !== 'LIVE' || !snapshot) this.fail('the first event is no snapshot', { start, snapshot });
      return;
    }
    if (start === 'RESET' && !snapshot) this.fail('a reset without a snapshot', { start });
    // where the number can't be known, nothing can be said; a reset may repeat the state seen last
    if (missed === null || (start === 'RESET' && sequence === has)) return;
    if (sequence !== has + 1n + BigInt(missed)) {
      this.fail('received and told as missed is not what there was', {
        has: String(has),
        sequence: String(sequence),
        gap,
        start,
      });
    }
  }

  private apply({ snapshot, bids, asks, checksum, sequence }: BookEvent): void {
    for (const [side, levels] of [
      [this.bids, bids],
      [this.asks, asks],
    ] as const) {
      if (snapshot) side.clear();
      for (const { price, quantity } of levels) {
        if (quantity === '0') side.delete(price);
        else side.set(price, quantity);
      }
      if (side.size > this.options.depth) this.fail('more levels than asked for', { size: side.size, sequence });
    }
    this.seen.snapshots += Number(snapshot);
    const count = Math.min(10, this.options.depth);
    const text = (levels: [string, string][]): string => levels.map(([p, q]) => `${p}:${q}`).join(',');
    const own = String(crc32(`${text(best(this.bids, -1, count))}|${text(best(this.asks, 1, count))}`));
    if (own !== checksum) this.fail('the checksum is not right', { own, checksum, sequence });
  }

  private ended(errors: unknown): void {
    const [error] = Array.isArray(errors) ? errors : [];
    const { code, cursor } = error?.extensions ?? {};
    // the server can't reach its store for now: to be tried again
    if (errors === undefined || code === 'STORE_UNAVAILABLE') return;
    if (code !== 'SLOW_CONSUMER') this.fail('ended with an error', errors);
    else if (cursor !== null && cursor !== this.cursor) this.fail('the error has another cursor', { cursor });
  }

  private fail(what: string, about: unknown): void {
    const { depth, onSlow, throttleMs } = this.options;
    this.fault ??= new Error(`${what} (depth ${depth}, ${onSlow}, ${throttleMs} ms): ${JSON.stringify(about)}`);
  }
}
