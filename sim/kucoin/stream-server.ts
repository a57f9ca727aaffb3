/** The WebSocket side: lets connections in by token, and fans frames out to who follows their topic. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { FrameFaults } from '../market/frame-faults.ts';
import { Audience } from '../streams/audience.ts';
import { Recent } from '../streams/recent.ts';
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
  private readonly listeners = new Audience<Session>();
  private readonly attempts = new Recent(ATTEMPT_WINDOW_MS);
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
    if (!this.attempts.admit(this.connects.attempts)) {
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
      const session = new Session(webSocket, connectId, this.limits, { isTopic: this.isTopic }, this.listeners);
      this.accepted++;
      this.sessions.add(session);
      webSocket.on('close', () => this.sessions.delete(session));
    });
  }

  /** Sends a frame to the topic's subscribers; `payload` is not asked for when there are none. */
  publish(topic: string, payload: () => string): void {
    const listeners = this.listeners.of(topic);
    if (!listeners) return;
    for (const { text } of this.faults.apply(topic, payload())) {
      for (const session of listeners) session.send(text);
      this.framesSent += listeners.size;
    }
  }

  /** Sends text, exactly as given, to everybody who follows `topic`, or to all connections. */
  inject(text: string, topic?: string): void {
    for (const session of topic === undefined ? this.sessions : (this.listeners.of(topic) ?? [])) session.send(text);
  }

  close(): void {
    for (const session of this.sessions) session.terminate();
    this.server.close();
  }
}
