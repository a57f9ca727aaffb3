/** The WebSocket side: accepts connections at /ws and /stream, and fans frames out to who subscribed to their stream. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { FrameFaults } from '../market/frame-faults.ts';
import { Audience } from '../streams/audience.ts';
import { Recent } from '../streams/recent.ts';
import { Session, type SessionLimits } from './session.ts';

/** web-socket-streams.md: 300 connections per 5 minutes per IP. */
const ATTEMPT_WINDOW_MS = 300_000;
const GOING_AWAY = 1001;

export class StreamServer {
  readonly sessions = new Set<Session>();
  /** Frames sent, all connections together. */
  framesSent = 0;
  /** Connections accepted so far. */
  accepted = 0;
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
  private readonly listeners = new Audience<Session>();
  private readonly attempts = new Recent(ATTEMPT_WINDOW_MS);
  private readonly limits: SessionLimits;
  private readonly maxAttempts: number;
  private readonly faults: FrameFaults;
  /** Called with each stream somebody newly subscribes to. */
  onSubscribe: (stream: string) => void = () => {};

  constructor(limits: SessionLimits, maxAttempts: number, faults: FrameFaults) {
    this.limits = limits;
    this.maxAttempts = maxAttempts;
    this.faults = faults;
  }

  /** Takes over an HTTP upgrade. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://binance.invalid');
    const raw = /^\/ws(?:\/(.*))?$/.exec(url.pathname);
    const known = raw || url.pathname === '/stream';
    if (!known || !this.attempts.admit(this.maxAttempts)) {
      refuse(socket, known ? '429 Too Many Requests' : '404 Not Found');
      return;
    }
    const names = raw ? raw[1] : url.searchParams.get('streams');
    const streams = (names ?? '').split('/').filter((s) => s !== '');
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const session = new Session(webSocket, !raw, this.limits, {
        add: (stream, s) => this.listen(stream, s),
        remove: (stream, s) => this.listeners.remove(stream, s),
      });
      this.accepted++;
      this.sessions.add(session);
      webSocket.on('close', () => this.sessions.delete(session));
      if (streams.length > 0) session.subscribe(streams);
    });
  }

  /** Sends a frame to the stream's subscribers; `payload` is not asked for when there are none. */
  publish(stream: string, payload: () => string): void {
    const listeners = this.listeners.of(stream);
    if (!listeners) return;
    for (const { text, whole } of this.faults.apply(stream, payload())) {
      const combined = whole ? text : `{"stream":"${stream}","data":${text}}`;
      for (const session of listeners) session.send(session.combined ? combined : text);
      this.framesSent += listeners.size;
    }
  }

  /** True when somebody is subscribed to the stream. */
  hasListener(stream: string): boolean {
    return this.listeners.of(stream) !== undefined;
  }

  /** Sends text, exactly as given, to everybody subscribed to `stream`, or to all connections. */
  inject(text: string, stream?: string): void {
    for (const session of stream === undefined ? this.sessions : (this.listeners.of(stream) ?? [])) session.send(text);
  }

  /** Says that the server will shut down, and closes every connection of now `noticeMs` later. */
  async shutDown(noticeMs: number, eventTime: number): Promise<void> {
    const event = `{"e":"serverShutdown","E":${eventTime}}`;
    const leaving = [...this.sessions];
    for (const session of leaving) {
      session.send(session.combined ? `{"stream":"!serverShutdown","data":${event}}` : event);
    }
    await new Promise((done) => setTimeout(done, noticeMs));
    for (const session of leaving) session.close(GOING_AWAY, '');
  }

  close(): void {
    for (const session of this.sessions) session.terminate();
    this.server.close();
  }

  private listen(stream: string, session: Session): void {
    this.listeners.add(stream, session);
    this.onSubscribe(stream);
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
