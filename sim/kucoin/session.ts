/** One client connection: its topics, its limits, and how it ends when the client says nothing. */
import type { RawData, WebSocket } from 'ws';
import { errorFrame, replyTo, type Subscriber, type TopicRules, welcomeFrame } from './messages.ts';

export interface SessionLimits {
  /** What the token's answer asks of the client, in ms: a ping so often, and how long a pong may take. */
  pingInterval: number;
  pingTimeout: number;
  /** Messages of the client in 10 s. */
  messagesPer10s: number;
  /** Topics in one message, and on one connection. */
  topicsPerMessage: number;
  topics: number;
  /** Ms between the handshake and the welcome; messages that come earlier are lost. */
  welcomeMs: number;
}

/** The bullet-public example of 2024, and the documentation's "Connect" and "Request rate limit". */
export const KUCOIN_LIMITS: SessionLimits = {
  pingInterval: 18_000,
  pingTimeout: 10_000,
  messagesPer10s: 100,
  topicsPerMessage: 100,
  topics: 300,
  welcomeMs: 10,
};

/** A client that lets this much pile up is cut off. */
const MAX_BUFFERED = 32 * 1024 * 1024;
const WINDOW_MS = 10_000;

/** Told when a session begins or ends to want a topic. */
export interface Subscriptions {
  add(topic: string, session: Session): void;
  remove(topic: string, session: Session): void;
}

export class Session implements Subscriber {
  readonly topics = new Set<string>();
  private readonly socket: WebSocket;
  private readonly limits: SessionLimits;
  private readonly rules: TopicRules;
  private readonly subscriptions: Subscriptions;
  private readonly silence: NodeJS.Timeout;
  private readonly recent: number[] = [];
  private welcomed = false;
  private frozen = false;

  constructor(
    socket: WebSocket,
    connectId: string,
    limits: SessionLimits,
    rules: Omit<TopicRules, 'perMessage' | 'perConnection'>,
    subscriptions: Subscriptions,
  ) {
    this.socket = socket;
    this.limits = limits;
    this.rules = { ...rules, perMessage: limits.topicsPerMessage, perConnection: limits.topics };
    this.subscriptions = subscriptions;
    this.silence = setTimeout(() => this.refuse(400, 'ping timeout'), limits.pingInterval + limits.pingTimeout);
    const welcome = setTimeout(() => {
      this.welcomed = true;
      this.send(welcomeFrame(connectId));
    }, limits.welcomeMs);
    socket.on('message', (data, binary) => this.message(data, binary));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(this.silence);
      clearTimeout(welcome);
      for (const topic of this.topics) subscriptions.remove(topic, this);
    });
  }

  subscribe(topics: string[]): void {
    for (const topic of topics) {
      this.topics.add(topic);
      this.subscriptions.add(topic, this);
    }
  }

  unsubscribe(topics: string[]): void {
    for (const topic of topics) if (this.topics.delete(topic)) this.subscriptions.remove(topic, this);
  }

  /** Sends text as it is. */
  send(text: string): void {
    if (this.frozen || this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_BUFFERED) this.socket.terminate();
    else this.socket.send(text);
  }

  /** An error frame, then a close as recorded: 1000 "Bye". */
  refuse(code: number, data: string): void {
    this.send(errorFrame(undefined, code, data));
    this.close(1000, 'Bye');
  }

  close(code: number, reason: string): void {
    if (!this.frozen) this.socket.close(code, reason);
  }

  /** Neither reads nor writes from now on, yet stays connected: a peer lost without a word. */
  freeze(): void {
    this.frozen = true;
    clearTimeout(this.silence);
    this.socket.pause();
  }

  terminate(): void {
    this.socket.terminate();
  }

  private message(data: RawData, binary: boolean): void {
    if (!this.welcomed || binary) return;
    this.silence.refresh();
    if (!this.count()) return;
    const reply = replyTo(data.toString(), this, this.rules);
    if (reply !== null) this.send(reply);
  }

  /** False when the client has sent too much and is cut off. */
  private count(): boolean {
    const now = performance.now();
    this.recent.push(now);
    while ((this.recent[0] as number) <= now - WINDOW_MS) this.recent.shift();
    if (this.recent.length <= this.limits.messagesPer10s) return true;
    this.refuse(509, 'exceed max permits per 10 seconds');
    return false;
  }
}
