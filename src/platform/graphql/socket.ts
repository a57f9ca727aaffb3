/**
 * Owner of graphql-ws and of ws on the server's side: operations over WebSocket (subprotocol graphql-transport-ws),
 * through the same documents, limits and errors as over HTTP.
 */
import { randomInt } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { Refusal } from './admission.ts';
import { Connection } from './connection.ts';
import { overLimit } from './limits.ts';
import { protocolServer } from './operations.ts';
import { watchCallers } from './revocation.ts';
import type { GraphqlSocketOptions } from './subscribe.ts';

const CLOSE_RESTARTING = 1012;
/** Clients that are told to come back spread themselves over this time. */
const RETRY_SPREAD_MS = 5_000;

export interface GraphqlSockets {
  /** Takes over the connection of an upgrade request, or refuses it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Refuses an upgrade request with an HTTP status. */
  refuse(socket: Duplex, status: number): void;
  /** Closes every socket with 1012 and a time to come back after; cuts those still there after `graceMs`. */
  stop(graceMs: number): Promise<void>;
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
  const connections = new Set<Connection>();
  const watching = watchCallers(connections, access);
  const host = { limits, log, connections };
  let stopping = false;

  const pings = setInterval(() => {
    for (const connection of connections) {
      const { socket } = connection;
      // one that does not read can't hear a ping either, and has a bound of its own
      if (!connection.outlet.ready) continue;
      if (connection.isSilent) socket.terminate();
      connection.isSilent = true;
      if (connection.isOpen()) socket.ping();
    }
  }, options.pingMs ?? 12_000);
  pings.unref();

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
      socket.on('close', leave);
      server.handleUpgrade(request, socket, head, (client) =>
        new Connection(client, socket, request, host).listen(protocol.opened),
      );
    },
    async stop(graceMs) {
      stopping = true;
      clearInterval(pings);
      await watching.stop();
      const open = [...connections];
      const gone = open.map(({ socket }) => new Promise((done) => socket.once('close', done)));
      for (const connection of open) {
        connection.close(CLOSE_RESTARTING, `restarting; retry in ${randomInt(100, RETRY_SPREAD_MS)} ms`);
      }
      const cut = setTimeout(() => {
        for (const { socket } of open) socket.terminate();
      }, graceMs);
      await Promise.all(gone);
      clearTimeout(cut);
      server.close();
    },
  };
}
