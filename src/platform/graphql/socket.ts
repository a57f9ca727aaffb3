/**
 * Owner of graphql-ws and of ws on the server's side: operations over WebSocket (subprotocol graphql-transport-ws),
 * through the same documents, limits and errors as over HTTP.
 */
import { randomInt } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { metrics } from '../metrics.ts';
import type { Refusal } from './admission.ts';
import type { Connection, GraphqlSocketOptions } from './connection.ts';
import { DeflatingOutlet } from './deflate.ts';
import { overLimit } from './limits.ts';
import { protocolServer } from './operations.ts';
import { SocketOutlet } from './outlet.ts';
import { watchCallers } from './revocation.ts';

/** A client that does not take what it was sent: what waits for it is bounded by this, then the socket is closed. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const CLOSE_BLOCKED = 4490;
const BLOCKED_GRACE_MS = 5_000;
const CLOSE_RESTARTING = 1012;
/** The protocol's: no connection_init in time. */
const CLOSE_IDLE = 4408;
/** What ws calls a message over the limit. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
/** Clients that are told to come back spread themselves over this time. */
const RETRY_SPREAD_MS = 5_000;
/** RFC 6455 5.5: a close frame carries at most 123 bytes of reason. */
const MAX_REASON_BYTES = 123;

export interface GraphqlSockets {
  /** Takes over the connection of an upgrade request, or refuses it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Refuses an upgrade request with an HTTP status. */
  refuse(socket: Duplex, status: number): void;
  /** Closes every socket with 1012 and a time to come back after; cuts those still there after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

function shorten(reason: string): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= MAX_REASON_BYTES ? reason : bytes.toString('utf8', 0, MAX_REASON_BYTES - 3).replace(/�+$/, '');
}

/** True where events may go compressed; one who wants a smaller window than ours gets them as they are. */
function takesDeflated({ extensions }: WebSocket, { headers }: IncomingMessage): boolean {
  const offered = String(headers['sec-websocket-extensions'] ?? '');
  return extensions.includes('permessage-deflate') && !offered.includes('server_max_window_bits');
}

/** The WebSocket side of the API. */
export function createGraphqlSockets(options: GraphqlSocketOptions): GraphqlSockets {
  const { limits, log, access } = options;
  const protocol = protocolServer(options);
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols,
    maxPayload: limits.MAX_MESSAGE_BYTES,
    // a few bytes must not become megabytes of ours
    perMessageDeflate: limits.WEBSOCKET_COMPRESSION === 'on' && {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    },
    autoPong: false,
  });
  const { admission } = options;
  const outlets = new WeakMap<WebSocket, SocketOutlet>();
  const silent = new WeakSet<WebSocket>();
  const connections = new Set<Connection>();
  const watching = watchCallers(connections, access);
  let stopping = false;

  const pings = setInterval(() => {
    for (const socket of server.clients) {
      // one that does not read can't hear a ping either, and has a bound of its own
      if (outlets.get(socket)?.ready === false) continue;
      if (silent.has(socket)) socket.terminate();
      silent.add(socket);
      if (socket.readyState === socket.OPEN) socket.ping();
    }
  }, options.pingMs ?? 12_000);
  pings.unref();

  function idle(reason: string): string {
    const limit = 'CONNECTION_INIT_TIMEOUT_MS';
    return overLimit('LIMIT_EXCEEDED', reason, limit, limits[limit]).message;
  }

  function open(socket: WebSocket, request: IncomingMessage, stream: Duplex): void {
    const close = (code: number, reason: string): void => {
      outlet.flush();
      socket.close(code, shorten(code === CLOSE_IDLE ? idle(reason) : reason));
    };
    const closeBlocked = (): void => {
      close(CLOSE_BLOCKED, 'Client does not read');
      // it may never take the close frame either
      setTimeout(() => socket.terminate(), BLOCKED_GRACE_MS).unref();
    };
    const Way = takesDeflated(socket, request) ? DeflatingOutlet : SocketOutlet;
    const outlet = new Way({
      socket: stream,
      isOpen: () => socket.readyState === socket.OPEN,
      maxBuffered: limits.SOCKET_BUFFER_BYTES,
      stuckMs: limits.SOCKET_STUCK_MS,
      onStuck: closeBlocked,
    });
    const connection: Connection = { socket, request, outlet, close, operations: new Map() };
    connections.add(connection);
    outlets.set(socket, outlet);
    metrics.sockets.inc();

    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        close,
        send: (data) =>
          new Promise((done) => {
            // what was told before goes before
            outlet.flush();
            // a client that vanished ends by its socket's close; here it would pass for an error of the operation
            if (socket.readyState !== socket.OPEN) done();
            else socket.send(data, () => done());
          }),
        onMessage: (handle) =>
          socket.on('message', (data, isBinary) => {
            if (socket.readyState !== socket.OPEN) return;
            if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return closeBlocked();
            if (isBinary) return close(4400, 'Invalid message received');
            handle(String(data)).catch((error: unknown) => {
              log.error({ err: error }, 'WebSocket message failed');
              close(4500, 'Internal server error');
            });
          }),
      },
      connection,
    );
    socket.on('pong', () => silent.delete(socket));
    socket.on('ping', (data) => {
      if (socket.bufferedAmount <= MAX_BUFFERED_BYTES) socket.pong(data);
    });
    // ws closes by itself what it can't read: 1009 too big, 1007 no UTF-8, 1002 no frame
    socket.on('error', (error) => {
      if ('code' in error && error.code === TOO_LARGE) metrics.refused.inc({ limit: 'MAX_MESSAGE_BYTES' });
      log.debug({ err: error }, 'WebSocket error');
    });
    socket.once('close', (code, reason) => {
      metrics.sockets.dec();
      connections.delete(connection);
      outlet.close();
      const left = [...connection.operations.values()];
      for (const { abort } of left) abort.abort();
      // graphql-ws ends what it knows by id; the others end here, a second time does no harm
      const ends = [closed(code, String(reason)), ...left.map(({ events }) => events?.return?.(undefined))];
      Promise.all(ends).catch((error: unknown) => log.error({ err: error }, 'WebSocket did not close cleanly'));
    });
  }

  function refuse(socket: Duplex, status: number, over?: Refusal): void {
    const body = over
      ? JSON.stringify({ errors: [overLimit('LIMIT_EXCEEDED', 'Too many sockets', over.limit, over.max)] })
      : '';
    socket.on('error', () => socket.destroy());
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${
        over || status === 503 ? `Retry-After: ${randomInt(1, 6)}\r\n` : ''
      }${over ? 'Content-Type: application/json\r\n' : ''}\r\n${body}`,
    );
  }

  return {
    refuse,
    upgrade(request, socket, head) {
      if (stopping) return refuse(socket, 503);
      if (!access.originAllowed(request)) return refuse(socket, 403);
      const leave = admission.enter(request);
      if (typeof leave !== 'function') return refuse(socket, leave.status, leave);
      socket.once('close', leave);
      server.handleUpgrade(request, socket, head, (client) => open(client, request, socket));
    },
    async stop(graceMs) {
      stopping = true;
      clearInterval(pings);
      await watching.stop();
      const open = [...server.clients];
      const gone = open.map((socket) => new Promise((done) => socket.once('close', done)));
      for (const socket of open) {
        outlets.get(socket)?.flush();
        socket.close(CLOSE_RESTARTING, `restarting; retry in ${randomInt(100, RETRY_SPREAD_MS)} ms`);
      }
      const cut = setTimeout(() => {
        for (const socket of open) socket.terminate();
      }, graceMs);
      await Promise.all(gone);
      clearTimeout(cut);
      server.close();
    },
  };
}
