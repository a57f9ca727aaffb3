/** One client connection to the streams: its subscriptions, its limits, and the heartbeat Binance keeps with it. */
import type { RawData, WebSocket } from 'ws';
import { Peer } from '../streams/peer.ts';
import { Recent } from '../streams/recent.ts';
import { replyTo, type Subscriber } from './control-messages.ts';

export interface SessionLimits {
  /** Ms between the server's pings, and how long it waits for a pong. */
  pingInterval: number;
  pongTimeout: number;
  /** Incoming messages a second: JSON, ping and pong alike. */
  messagesPerSecond: number;
  streams: number;
  /** Ms after which a connection is closed. */
  lifetime: number;
}

/** web-socket-streams.md (2026-07), "General WSS information" and "WebSocket Limits". */
export const BINANCE_LIMITS: SessionLimits = {
  pingInterval: 20_000,
  pongTimeout: 60_000,
  messagesPerSecond: 5,
  streams: 1_024,
  lifetime: 86_400_000,
};

const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

/** Told when a session begins or ends to want a stream. */
export interface Subscriptions {
  add(stream: string, session: Session): void;
  remove(stream: string, session: Session): void;
}

export class Session extends Peer implements Subscriber {
  combined: boolean;
  readonly streams = new Set<string>();
  private readonly limits: SessionLimits;
  private readonly subscriptions: Subscriptions;
  private readonly heartbeat: NodeJS.Timeout;
  private readonly end: NodeJS.Timeout;
  private readonly recent = new Recent(1_000);
  private lastPong = performance.now();
  private lastPing = '';

  constructor(socket: WebSocket, combined: boolean, limits: SessionLimits, subscriptions: Subscriptions) {
    super(socket);
    this.combined = combined;
    this.limits = limits;
    this.subscriptions = subscriptions;
    this.heartbeat = setInterval(() => this.beat(), limits.pingInterval);
    this.end = setTimeout(() => this.close(GOING_AWAY, ''), limits.lifetime);
    socket.on('message', (data, binary) => this.message(data, binary));
    socket.on('ping', () => this.count());
    socket.on('pong', (payload) => {
      // only a copy of the ping's payload keeps the connection alive
      if (payload.toString() === this.lastPing) this.lastPong = performance.now();
      this.count();
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearInterval(this.heartbeat);
      clearTimeout(this.end);
      for (const stream of this.streams) subscriptions.remove(stream, this);
    });
  }

  subscribe(streams: string[]): void {
    const wanted = new Set([...this.streams, ...streams]);
    // how the real one refuses is not documented: the sternest way shows a careless client
    if (wanted.size > this.limits.streams) {
      this.close(POLICY_VIOLATION, 'Too many streams');
      return;
    }
    for (const stream of streams) {
      this.streams.add(stream);
      this.subscriptions.add(stream, this);
    }
  }

  unsubscribe(streams: string[]): void {
    for (const stream of streams) {
      if (this.streams.delete(stream)) this.subscriptions.remove(stream, this);
    }
  }

  /** Sends text as it is. */
  send(text: string): void {
    this.write(text);
  }

  protected stopTimers(): void {
    clearInterval(this.heartbeat);
  }

  private message(data: RawData, binary: boolean): void {
    if (!this.count() || binary) return;
    this.send(replyTo(data.toString(), this));
  }

  /** False when the client has sent too much and is cut off. */
  private count(): boolean {
    this.recent.add();
    if (this.recent.count() <= this.limits.messagesPerSecond) return true;
    this.close(POLICY_VIOLATION, 'Too many requests');
    return false;
  }

  private beat(): void {
    if (performance.now() - this.lastPong > this.limits.pongTimeout) {
      this.close(POLICY_VIOLATION, 'Pong timeout');
    } else if (this.socket.readyState === this.socket.OPEN) {
      this.lastPing = String(Date.now());
      this.socket.ping(this.lastPing);
    }
  }
}
