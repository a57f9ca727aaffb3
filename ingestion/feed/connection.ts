/**
 * One connection to an exchange, from the first attempt to its end: handshake, subscribe messages at the allowed rate,
 * acknowledgements, heartbeat, lifetime. What its frames mean is the feed's business.
 */
import { openExchangeSocket, type SocketEnd } from '../../src/platform/exchange/socket.ts';
import { pause } from '../../src/platform/retry.ts';
import type { ConnectionPlan, Control } from '../exchanges/connector.ts';

/** The connection did not get as far as being subscribed. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed';
  constructor(
    reason: string,
    readonly retryAfterMs: number | null,
  ) {
    super(reason);
  }
}

export interface Connection {
  /** Ours, unique; part of the key of its raw frames. */
  readonly id: string;
  /** Resolves when everything is subscribed. Rejects with ConnectFailed. */
  readonly ready: Promise<void>;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<SocketEnd>;
  /** Resolves with why a successor should be opened: the server's announcement, or age. */
  readonly due: Promise<string>;
  /** When the last frame came, monotonic ms. */
  lastFrameAt(): number;
  /** When the peer last showed that it is there: by a frame, or by answering a ping. */
  lastAliveAt(): number;
  /** Asks the peer whether it is there. */
  probe(): void;
  /** Native symbols that the exchange would not have subscribed. */
  refused(): ReadonlySet<string>;
  close(): void;
  terminate(reason: string): void;
}

export interface ConnectionOptions {
  id: string;
  plan: ConnectionPlan;
  messagesPerSecond: number;
  lifetimeMs: number;
  /** Bound on the handshake, and again on being subscribed. */
  readyMs: number;
  /** Gets every frame as received; tells what it means for the connection. */
  frame(bytes: Buffer, receivedAt: number): Control | null;
}

/** Below what brokers take as one message; no exchange comes near. */
const MAX_FRAME_BYTES = 900_000;

/** Opens a connection. Never throws: watch `ready`. */
export function openConnection(options: ConnectionOptions): Connection {
  const { plan } = options;
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<SocketEnd>();
  const due = Promise.withResolvers<string>();
  const over = new AbortController();
  const welcome = Promise.withResolvers<void>();
  let lastFrameAt = performance.now();
  let lastPongAt = 0;
  let acks = 0;
  let wanted = plan.acks;
  let queue = Promise.resolve();
  const refused = new Set<string>();
  // nobody may be watching yet
  ready.promise.catch(() => {});

  function control(said: Control): void {
    if (said.kind === 'welcome') welcome.resolve();
    else if (said.kind === 'closing') due.resolve('server-shutdown');
    else if (said.kind === 'refused') refuse(said);
    else if (said.kind === 'ack') {
      acks++;
      settle();
    }
  }

  function settle(): void {
    if (wanted > 0 && refused.size > 0) waitLonger();
    if (acks >= wanted) ready.resolve();
  }

  /** Asks for less where that helps; else the connection is of no use. */
  function refuse({ reason, id }: Extract<Control, { kind: 'refused' }>): void {
    const less = id === undefined ? null : (plan.narrow?.(id) ?? null);
    if (!less) {
      socket.terminate(`refused: ${reason}`);
      return;
    }
    wanted += less.messages.length - 1;
    for (const symbol of less.without) refused.add(symbol);
    waitLonger();
    queue = queue.then(() => send(less.messages));
    settle();
  }

  async function subscribe(): Promise<void> {
    if (plan.awaitWelcome) await welcome.promise;
    queue = send(plan.messages);
    await queue;
    if (plan.acks === 0) ready.resolve();
  }

  async function send(messages: readonly string[]): Promise<void> {
    for (const message of messages) {
      if (over.signal.aborted) return;
      socket.send(message);
      await pause(1_000 / options.messagesPerSecond, over.signal);
    }
  }

  async function keepAlive(): Promise<void> {
    const { ping } = plan;
    if (!ping) return;
    for (let n = 1; ; n++) {
      await pause(ping.everyMs, over.signal);
      if (over.signal.aborted) return;
      const message = ping.message(n);
      if (message === null) socket.ping();
      else socket.send(message);
    }
  }

  const late = (): void => socket.terminate('not subscribed in time');
  let unready = setTimeout(late, options.readyMs * 2);
  const endWait = (): void => clearTimeout(unready);
  ready.promise.then(endWait, endWait);

  /** Every refusal is progress: markets that don't exist are found by halving. */
  function waitLonger(): void {
    clearTimeout(unready);
    unready = setTimeout(late, options.readyMs * 2);
  }
  // spread, so that connections opened together are not replaced together; setTimeout takes at most 24.8 days
  const age = Math.min(options.lifetimeMs * (0.9 + Math.random() * 0.08), 2 ** 31 - 1);
  const aged = setTimeout(() => due.resolve('lifetime'), age);
  aged.unref();

  const socket = openExchangeSocket(
    { url: plan.url, handshakeTimeoutMs: options.readyMs, maxFrameBytes: MAX_FRAME_BYTES },
    {
      open() {
        lastFrameAt = performance.now();
        void subscribe();
        void keepAlive();
      },
      frame(bytes) {
        lastFrameAt = performance.now();
        const said = options.frame(bytes, Date.now());
        if (said) control(said);
      },
      pong() {
        lastPongAt = performance.now();
      },
      end(why) {
        over.abort();
        clearTimeout(aged);
        ready.reject(new ConnectFailed(`${why.code} ${why.reason}`.trim(), why.retryAfterMs));
        ended.resolve(why);
      },
    },
  );

  return {
    id: options.id,
    ready: ready.promise,
    ended: ended.promise,
    due: due.promise,
    lastFrameAt: () => lastFrameAt,
    lastAliveAt: () => Math.max(lastFrameAt, lastPongAt),
    probe: () => socket.ping(),
    refused: () => refused,
    close: () => socket.close(),
    terminate: (reason) => socket.terminate(reason),
  };
}
