/** The WebSocket side: lets connections in by token, and fans frames out to who follows their topic. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { FrameFaults } from '../market/frame-faults.ts';
import { errorFrame } from './messages.ts';
import { Session, type SessionLimits } from './session.ts';
import type { Tokens } from './tokens.ts';

export interface ConnectLimits {
  /** Connection attempts a minute. */
  attempts: number;
  /** Connections at once. */
  connections: number;
}

const ATTEMPT_WINDOW_MS = 60_000;

export class StreamServer {
  readonly sessions = new Set<Session>();
  /** Frames sent, all connections together. */
  framesSent = 0;
  /** Connections accepted so far. */
  accepted = 0;
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
  private readonly listeners = new Map<string, Set<Session>>();
  private readonly attempts: number[] = [];
  private readonly tokens: Tokens;
  private readonly limits: SessionLimits;
  private readonly connects: ConnectLimits;
  private readonly faults: FrameFaults;
  private readonly isTopic: (topic: string) => boolean;

  constructor(
    tokens: Tokens,
    limits: SessionLimits,
    connects: ConnectLimits,
    faults: FrameFaults,
    isTopic: (topic: string) => boolean,
  ) {
    this.tokens = tokens;
    this.limits = limits;
    this.connects = connects;
    this.faults = faults;
    this.isTopic = isTopic;
  }

  /** Takes over an HTTP upgrade. Who may not in is told so in a frame, then the connection is closed. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { searchParams } = new URL(request.url ?? '/', 'http://kucoin.invalid');
    if (!this.admit()) {
      socket.end('HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const connectId = searchParams.get('connectId') ?? `sim${this.accepted + 1}`;
    const wrong = this.tokens.take(searchParams.get('token'));
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const full = this.sessions.size >= this.connects.connections;
      if (wrong !== null || full) {
        const limit = `exceed max session count limitation of ${this.connects.connections}`;
        webSocket.send(wrong === null ? errorFrame(connectId, 509, limit) : errorFrame(connectId, 401, wrong));
        webSocket.close(1000, 'Bye');
        return;
      }
      const session = new Session(
        webSocket,
        connectId,
        this.limits,
        { isTopic: this.isTopic },
        { add: (topic, s) => this.listen(topic, s), remove: (topic, s) => this.leave(topic, s) },
      );
      this.accepted++;
      this.sessions.add(session);
      webSocket.on('close', () => this.sessions.delete(session));
    });
  }

  /** Sends a frame to the topic's subscribers; `payload` is not asked for when there are none. */
  publish(topic: string, payload: () => string): void {
    const listeners = this.listeners.get(topic);
    if (!listeners) return;
    for (const { text } of this.faults.apply(topic, payload())) {
      for (const session of listeners) session.send(text);
      this.framesSent += listeners.size;
    }
  }

  /** Sends text, exactly as given, to everybody who follows `topic`, or to all connections. */
  inject(text: string, topic?: string): void {
    for (const session of topic === undefined ? this.sessions : (this.listeners.get(topic) ?? [])) session.send(text);
  }

  close(): void {
    for (const session of this.sessions) session.terminate();
    this.server.close();
  }

  private admit(): boolean {
    const now = performance.now();
    while (this.attempts.length > 0 && (this.attempts[0] as number) < now - ATTEMPT_WINDOW_MS) this.attempts.shift();
    if (this.attempts.length >= this.connects.attempts) return false;
    this.attempts.push(now);
    return true;
  }

  private listen(topic: string, session: Session): void {
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners.add(session));
  }

  private leave(topic: string, session: Session): void {
    const listeners = this.listeners.get(topic);
    listeners?.delete(session);
    if (listeners?.size === 0) this.listeners.delete(topic);
  }
}
