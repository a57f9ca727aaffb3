/** One client connection: its topics, its limits, and how it ends when the client says nothing. */
import type { RawData, WebSocket } from 'ws';
import { Peer } from '../streams/peer.ts';
import { Recent } from '../streams/recent.ts';
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

const WINDOW_MS = 10_000;

/** Told when a session begins or ends to want a topic. */
export interface Subscriptions {
  add(topic: string, session: Session): void;
  remove(topic: string, session: Session): void;
}

export class Session extends Peer implements Subscriber {
  readonly topics = new Set<string>();
  private readonly limits: SessionLimits;
  private readonly rules: TopicRules;
  private readonly subscriptions: Subscriptions;
  private readonly silence: NodeJS.Timeout;
  private readonly recent = new Recent(WINDOW_MS);
  private welcomed = false;

  constructor(
    socket: WebSocket,
    connectId: string,
    limits: SessionLimits,
    rules: Omit<TopicRules, 'perMessage' | 'perConnection'>,
    subscriptions: Subscriptions,
  ) {
    super(socket);
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
    this.write(text);
  }

  /** An error frame, then a close as recorded: 1000 "Bye". */
  refuse(code: number, data: string): void {
    this.send(errorFrame(undefined, code, data));
    this.close(1000, 'Bye');
  }

  protected stopTimers(): void {
    clearTimeout(this.silence);
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
    this.recent.add();
    if (this.recent.count() <= this.limits.messagesPer10s) return true;
    this.refuse(509, 'exceed max permits per 10 seconds');
    return false;
  }
}
