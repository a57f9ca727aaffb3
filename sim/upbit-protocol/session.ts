/** One client connection: its subscription (a new one replaces the old), its limits, and how it ends when nothing moves. */
import type { RawData, WebSocket } from 'ws';
import { Peer } from '../streams/peer.ts';
import { Recent } from '../streams/recent.ts';
import type { Dialect, Format } from './dialect.ts';
import { Refused, readRequest, type Subscription, type Wanted } from './request.ts';

export interface SessionLimits {
  /** A connection without traffic for this many ms is cut: measured 60.0 to 60.5 s on both exchanges. */
  idleMs: number;
  /** Ms between the frames that PING starts. */
  statusMs: number;
  /** Ms between an error and the close that follows it. */
  closeAfterErrorMs: number;
  messagesPerSecond: number;
  messagesPerMinute: number;
}

export const SESSION_LIMITS: SessionLimits = {
  idleMs: 60_000,
  statusMs: 10_000,
  closeAfterErrorMs: 150,
  messagesPerSecond: 5,
  messagesPerMinute: 100,
};

const POLICY_VIOLATION = 1008;

/** Told what a session wants from now on, and what it wanted until now. */
export interface Desk {
  replace(session: Session, before: readonly Wanted[], now: readonly Wanted[]): void;
}

export class Session extends Peer {
  format: Format = 'DEFAULT';
  private wanted: readonly Wanted[] = [];
  private readonly dialect: Dialect;
  private readonly limits: SessionLimits;
  private readonly desk: Desk;
  private readonly idle: NodeJS.Timeout;
  private status: NodeJS.Timeout | null = null;
  private readonly recent = new Recent(60_000);

  constructor(socket: WebSocket, dialect: Dialect, limits: SessionLimits, desk: Desk) {
    super(socket);
    this.dialect = dialect;
    this.limits = limits;
    this.desk = desk;
    this.idle = setTimeout(() => this.terminate(), limits.idleMs);
    socket.on('message', (data, binary) => this.message(data, binary));
    // the library answers a ping
    socket.on('ping', () => this.idle.refresh());
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(this.idle);
      if (this.status) clearInterval(this.status);
      desk.replace(this, this.wanted, []);
    });
  }

  /** Sends text as it is, in a binary frame as both exchanges do. */
  send(text: string): void {
    if (this.write(Buffer.from(text))) this.idle.refresh();
  }

  protected stopTimers(): void {
    clearTimeout(this.idle);
  }

  private message(data: RawData, binary: boolean): void {
    this.idle.refresh();
    if (!this.count()) return;
    const text = data.toString();
    if (!binary && text === 'PING') this.startStatus();
    else this.subscribe(text);
  }

  private subscribe(text: string): void {
    let subscription: Subscription;
    try {
      subscription = readRequest(text, this.dialect);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.send(error.text);
      setTimeout(() => this.close(1000, ''), this.limits.closeAfterErrorMs);
      return;
    }
    const before = this.wanted;
    this.format = subscription.format;
    this.wanted = subscription.wanted;
    this.desk.replace(this, before, this.wanted);
  }

  /** From the first PING on, a status comes every 10 s; at once only where nothing is subscribed. */
  private startStatus(): void {
    if (this.status) return;
    if (this.wanted.length === 0) this.send('{"status":"UP"}');
    this.status = setInterval(() => this.send('{"status":"UP"}'), this.limits.statusMs);
  }

  /** False when the client has sent too much. How it is refused is not documented: the sternest way shows a careless one. */
  private count(): boolean {
    this.recent.add();
    const { messagesPerSecond, messagesPerMinute } = this.limits;
    if (this.recent.count(1_000) <= messagesPerSecond && this.recent.count() <= messagesPerMinute) return true;
    this.close(POLICY_VIOLATION, 'Too many messages');
    return false;
  }
}
