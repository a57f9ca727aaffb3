/** The WebSocket side: accepts connections at /websocket/v1, and fans frames out to who wants them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { FrameFaults } from '../market/frame-faults.ts';
import { Recent } from '../streams/recent.ts';
import type { Dialect, Format } from './dialect.ts';
import { type Field, type StreamType, spell } from './frames.ts';
import type { Wanted } from './request.ts';
import { type Desk, Session, type SessionLimits } from './session.ts';

/** Makes the fields of a frame; `units` is what a book was asked for. */
export type MakeFrame = (units: number | null, format: Format, stream: StreamType) => readonly Field[];

/** Where the first frame of a subscription comes from; null where a market or type has none. */
export type Snapshots = (type: string, code: string) => MakeFrame | null;

const ORIGIN_WINDOW_MS = 10_000;

export class StreamServer implements Desk {
  readonly sessions = new Set<Session>();
  /** Frames sent, all connections together. */
  framesSent = 0;
  /** Connections accepted so far. */
  accepted = 0;
  snapshots: Snapshots = () => null;
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: 256 * 1024, perMessageDeflate: true });
  private readonly listeners = new Map<string, Map<Session, Wanted>>();
  private readonly attempts = new Recent(1_000);
  private originAt = Number.NEGATIVE_INFINITY;
  private readonly dialect: Dialect;
  private readonly limits: SessionLimits;
  private readonly faults: FrameFaults;
  private readonly connectsPerSecond: number;

  constructor(dialect: Dialect, limits: SessionLimits, connectsPerSecond: number, faults: FrameFaults) {
    this.dialect = dialect;
    this.limits = limits;
    this.connectsPerSecond = connectsPerSecond;
    this.faults = faults;
  }

  /** Takes over an HTTP upgrade. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const known = (request.url ?? '').split('?')[0] === '/websocket/v1';
    if (!known || !this.admit(request.headers.origin !== undefined)) {
      const status = known ? '429 Too Many Requests' : '404 Not Found';
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const session = new Session(webSocket, this.dialect, this.limits, this);
      this.accepted++;
      this.sessions.add(session);
      webSocket.on('close', () => this.sessions.delete(session));
    });
  }

  /** Sends a frame to who wants it; it is made once for each spelling that somebody wants, and not at all for nobody. */
  publish(type: string, code: string, make: MakeFrame): void {
    const stream = `${type}:${code}`;
    const listeners = this.listeners.get(stream);
    if (!listeners) return;
    const made = new Map<string, string[]>();
    for (const [session, { units, realtime }] of listeners) {
      if (!realtime) continue;
      const key = `${session.format} ${units}`;
      let texts = made.get(key);
      if (!texts) {
        const payload = spell(make(units, session.format, 'REALTIME'), session.format);
        texts = this.faults.apply(stream, payload).map((frame) => frame.text);
        made.set(key, texts);
      }
      for (const text of texts) session.send(text);
      this.framesSent += texts.length;
    }
  }

  /** True when somebody wants frames of any of these types of a market. */
  hasListener(type: string, code: string): boolean {
    return this.listeners.has(`${type}:${code}`);
  }

  /** Sends text, exactly as given, to everybody subscribed to `stream` ("trade:KRW-BTC"), or to all connections. */
  inject(text: string, stream?: string): void {
    const to = stream === undefined ? this.sessions : (this.listeners.get(stream)?.keys() ?? []);
    for (const session of to) session.send(text);
  }

  replace(session: Session, before: readonly Wanted[], now: readonly Wanted[]): void {
    for (const { type, code } of before) {
      const listeners = this.listeners.get(`${type}:${code}`);
      listeners?.delete(session);
      if (listeners?.size === 0) this.listeners.delete(`${type}:${code}`);
    }
    for (const wanted of now) {
      const { type, code, units } = wanted;
      const snapshot = this.snapshots(type, code);
      if (!snapshot) continue;
      const stream = `${type}:${code}`;
      const listeners = this.listeners.get(stream) ?? new Map<Session, Wanted>();
      this.listeners.set(stream, listeners.set(session, wanted));
      if (!wanted.snapshot || this.faults.isStalled(stream)) continue;
      session.send(spell(snapshot(units, session.format, 'SNAPSHOT'), session.format));
      this.framesSent++;
    }
  }

  close(): void {
    for (const session of this.sessions) session.terminate();
    this.server.close();
  }

  /** Browsers (an Origin header) may connect once in 10 s. */
  private admit(hasOrigin: boolean): boolean {
    const now = performance.now();
    if (hasOrigin) {
      if (now - this.originAt < ORIGIN_WINDOW_MS) return false;
      this.originAt = now;
    }
    return this.attempts.admit(this.connectsPerSecond);
  }
}
