/** A WebSocket client that says exactly what it is told to, protocol or not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

export interface Frame {
  type: string;
  id?: string;
  payload?: unknown;
}

export interface TestError {
  message: string;
  extensions: Record<string, unknown>;
}

export interface TestSocket {
  socket: WebSocket;
  send(frame: unknown): void;
  /** The next frame that satisfies `wanted`; frames before it are dropped. Rejects after 5 s or when the socket closes. */
  next(wanted?: (frame: Frame) => boolean): Promise<Frame>;
  /** How the socket ended. */
  closed: Promise<{ code: number; reason: string }>;
  init(payload?: unknown): Promise<Frame>;
  subscribe(id: string, query: string, variables?: unknown, operationName?: string): void;
}

/** The errors of an `error` frame. */
export function errorsOf({ type, payload }: Frame): TestError[] {
  if (type !== 'error') throw new Error(`not an error: ${JSON.stringify({ type, payload })}`);
  return payload as TestError[];
}

/** Opens a socket at `url` (http is replaced by ws). */
export async function openSocket(
  url: string,
  protocols: string[] = ['graphql-transport-ws'],
  options: ClientOptions = {},
): Promise<TestSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, protocols, options);
  const frames: Frame[] = [];
  let wake = (): void => {};
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as Frame);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((done) => {
    socket.on('close', (code, reason) => {
      done({ code, reason: String(reason) });
      wake();
    });
  });
  socket.on('error', () => {});
  await Promise.race([once(socket, 'open'), closed.then(({ code }) => Promise.reject(new Error(`closed: ${code}`)))]);

  const send = (frame: unknown): void => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  async function next(wanted: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const frame = frames.shift();
      if (frame && wanted(frame)) return frame;
      if (frame) continue;
      if (socket.readyState === WebSocket.CLOSED) throw new Error('the socket is closed');
      if (Date.now() > deadline) throw new Error('no such frame within 15 s');
      await new Promise<void>((done) => {
        wake = done;
        setTimeout(done, 100).unref();
      });
    }
  }
  return {
    socket,
    send,
    next,
    closed,
    init(payload) {
      send({ type: 'connection_init', payload });
      return next();
    },
    subscribe: (id, query, variables, operationName) =>
      send({ type: 'subscribe', id, payload: { query, variables, operationName } }),
  };
}

/** Runs with a socket past its handshake, cut off afterwards. */
export async function withSocket(
  url: string,
  run: (client: TestSocket) => Promise<void>,
  params?: unknown,
): Promise<void> {
  const client = await openSocket(url);
  try {
    assert.equal((await client.init(params)).type, 'connection_ack');
    await run(client);
  } finally {
    client.socket.terminate();
  }
}
