/**
 * Owner of the `ws` client: one outgoing WebSocket with a bounded handshake and frame size. Pings of the server are
 * answered with their own payload by the library. No Origin header is sent: Upbit throttles browsers by it.
 */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { DEFAULT_PAUSE_MS, isLimit, retryAfterMs } from './rest.ts';

/** Why a socket ended, or did not come to be. */
export interface SocketEnd {
  /** Close code; 1006 where the peer vanished. */
  code: number;
  reason: string;
  /** How long the server wants us to stay away. */
  retryAfterMs: number | null;
}

export interface SocketHandlers {
  open(): void;
  frame(bytes: Buffer): void;
  /** The peer answered a ping. */
  pong(): void;
  /** Called exactly once. */
  end(why: SocketEnd): void;
}

export interface SocketOptions {
  url: string;
  handshakeTimeoutMs: number;
  /** Largest frame; a larger one ends the connection with 1009. */
  maxFrameBytes: number;
}

export interface ExchangeSocket {
  send(text: string): void;
  ping(): void;
  /** Says goodbye; frames that arrive meanwhile are not delivered. Cut off after half a second. */
  close(): void;
  /** Cuts the connection. */
  terminate(reason: string): void;
}

const GOODBYE_MS = 500;

/** Connects. Failing to is reported through `handlers.end`, never thrown. */
export function openExchangeSocket(options: SocketOptions, handlers: SocketHandlers): ExchangeSocket {
  let socket: WebSocket;
  try {
    socket = new WebSocket(options.url, {
      handshakeTimeout: options.handshakeTimeoutMs,
      maxPayload: options.maxFrameBytes,
      perMessageDeflate: false,
      followRedirects: false,
    });
  } catch (error) {
    // an exchange that names its own address may name one that is none
    queueMicrotask(() => handlers.end({ code: 1006, reason: (error as Error).message, retryAfterMs: null }));
    return { send() {}, ping() {}, close() {}, terminate() {} };
  }
  let why: Omit<SocketEnd, 'code'> | null = null;
  let ended = false;
  let silent = false;

  function end(code: number, reason: string): void {
    if (ended) return;
    ended = true;
    handlers.end({ code, reason: why?.reason ?? reason, retryAfterMs: why?.retryAfterMs ?? null });
  }

  socket.on('open', () => handlers.open());
  socket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    if (silent || ended) return;
    handlers.frame(Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data));
  });
  socket.on('pong', () => {
    if (!silent && !ended) handlers.pong();
  });
  socket.on('unexpected-response', (_request, response: IncomingMessage) => {
    const { statusCode = 0, headers } = response;
    const asked = retryAfterMs(headers['retry-after']);
    why = { reason: `HTTP ${statusCode}`, retryAfterMs: asked ?? (isLimit(statusCode) ? DEFAULT_PAUSE_MS : null) };
    response.resume();
    socket.terminate();
    end(1006, why.reason);
  });
  socket.on('error', (error) => {
    why ??= { reason: error.message, retryAfterMs: null };
  });
  socket.on('close', (code, reason) => end(code, reason.toString('utf8').slice(0, 200)));

  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    ping() {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    close() {
      silent = true;
      socket.close(1000);
      setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
    },
    terminate(reason) {
      why ??= { reason, retryAfterMs: null };
      silent = true;
      socket.terminate();
      end(1006, reason);
    },
  };
}
