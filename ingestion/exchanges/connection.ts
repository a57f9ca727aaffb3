/**
 * One connection to an exchange, from the first attempt to its end: handshake, subscribe messages at the allowed rate,
 * acknowledgements, heartbeat, lifetime. What its frames mean is the feed's business.
 */
import { openExchangeSocket, type SocketEnd } from '../../src/platform/exchange/socket.ts';
import { pause } from '../../src/platform/retry.ts';
import type { ConnectionPlan, Control } from './connector.ts';

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
  let acks = 0;
  // nobody may be watching yet
  ready.promise.catch(() => {});

  function control(said: Control): void {
    if (said.kind === 'welcome') welcome.resolve();
    else if (said.kind === 'closing') due.resolve('server-shutdown');
    else if (said.kind === 'refused') socket.terminate(`refused: ${said.reason}`);
    else if (said.kind === 'ack' && ++acks >= plan.acks) ready.resolve();
  }

  async function subscribe(): Promise<void> {
    if (plan.awaitWelcome) await welcome.promise;
    for (const [i, message] of plan.messages.entries()) {
      if (i > 0) await pause(1_000 / options.messagesPerSecond, over.signal);
      if (over.signal.aborted) return;
      socket.send(message);
    }
    if (plan.acks === 0) ready.resolve();
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

  const unready = setTimeout(() => socket.terminate('not subscribed in time'), options.readyMs * 2);
  ready.promise.then(
    () => clearTimeout(unready),
    () => clearTimeout(unready),
  );
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
    close: () => socket.close(),
    terminate: (reason) => socket.terminate(reason),
  };
}
