/**
 * One open WebSocket, as the protocol, the events' way out and the watch over callers see it. Idle ones are many: what one
 * is made of is a single object, and its listeners are everybody's.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket as ProtocolSocket } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';
import type { Caller } from '../access.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';
import { DeflatingOutlet } from './deflate.ts';
import { overLimit } from './limits.ts';
import { type MessageRunner, OperationIds } from './operation-ids.ts';
import { SocketOutlet, type SocketOutletOptions } from './outlet.ts';
import type { SocketOperation } from './socket-operation.ts';

/** A client that does not take what it was sent: what waits for it is bounded by this, then the socket is closed. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const CLOSE_BLOCKED = 4490;
const BLOCKED_GRACE_MS = 5_000;
/** The protocol's: an id that is in use. */
const CLOSE_ID_IN_USE = 4409;
/** The protocol's: no connection_init in time. */
const CLOSE_IDLE = 4408;
/** What ws calls a message over the limit. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
/** RFC 6455 5.5: a close frame carries at most 123 bytes of reason. */
const MAX_REASON_BYTES = 123;

/** What the connections of one server share. */
export interface Host {
  readonly limits: Pick<Config, 'CONNECTION_INIT_TIMEOUT_MS' | 'SOCKET_BUFFER_BYTES' | 'SOCKET_STUCK_MS'>;
  readonly log: Log;
  /** Every open connection. */
  readonly connections: Set<Connection>;
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

const CONNECTION = Symbol('connection');
type Owned = WebSocket & { [CONNECTION]: Connection };

const LISTENERS = {
  message(this: Owned, data: RawData, isBinary: boolean): void {
    this[CONNECTION].take(data, isBinary);
  },
  pong(this: Owned): void {
    this[CONNECTION].isSilent = false;
  },
  ping(this: Owned, data: Buffer): void {
    if (this.bufferedAmount <= MAX_BUFFERED_BYTES) this.pong(data);
  },
  // ws closes by itself what it can't read: 1009 too big, 1007 no UTF-8, 1002 no frame
  error(this: Owned, error: Error): void {
    if ('code' in error && error.code === TOO_LARGE) metrics.refused.inc({ limit: 'MAX_MESSAGE_BYTES' });
    this[CONNECTION].host.log.debug({ err: error }, 'WebSocket error');
  },
  close(this: Owned, code: number, reason: Buffer): void {
    this[CONNECTION].closed(code, String(reason));
  },
};

export class Connection implements ProtocolSocket, SocketOutletOptions, MessageRunner {
  /** Where the events of its subscriptions go. */
  readonly outlet: SocketOutlet;
  caller?: Caller;
  /** Operations that run now. */
  operations: readonly SocketOperation[] = [];
  /** Counts its caller out. */
  leave: (() => void) | null = null;
  /** Did not answer the last ping. */
  isSilent = false;
  private handle: ((message: string) => Promise<void>) | null = null;
  private readonly ids = new OperationIds(this);
  private left: ((code: number, reason: string) => Promise<void>) | null = null;
  private request: IncomingMessage | null;
  private idle: NodeJS.Timeout | null;

  constructor(
    readonly socket: WebSocket,
    readonly stream: Duplex,
    request: IncomingMessage,
    readonly host: Host,
  ) {
    const Way = takesDeflated(socket, request) ? DeflatingOutlet : SocketOutlet;
    this.outlet = new Way(this);
    this.request = request;
    this.idle = setTimeout(
      () => this.close(CLOSE_IDLE, 'Connection initialisation timeout'),
      host.limits.CONNECTION_INIT_TIMEOUT_MS,
    );
    (socket as Owned)[CONNECTION] = this;
    host.connections.add(this);
    metrics.sockets.inc();
  }

  /** Hears what comes. `opened` is the protocol's: takes the connection, returns what it wants to be told at the end. */
  listen(opened: (socket: Connection, extra: Connection) => (code: number, reason: string) => Promise<void>): void {
    this.left = opened(this, this);
    const { socket } = this;
    socket.on('message', LISTENERS.message as never);
    socket.on('pong', LISTENERS.pong as never);
    socket.on('ping', LISTENERS.ping as never);
    socket.on('error', LISTENERS.error as never);
    socket.on('close', LISTENERS.close as never);
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get maxBuffered(): number {
    return this.host.limits.SOCKET_BUFFER_BYTES;
  }

  get stuckMs(): number {
    return this.host.limits.SOCKET_STUCK_MS;
  }

  isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  onMessage(handle: (message: string) => Promise<void>): void {
    this.handle = handle;
  }

  run(message: string, ended: () => void): void {
    // one that had to wait may come too late
    if (!this.isOpen() || !this.handle) {
      ended();
      return;
    }
    this.handle(message).then(ended, (error: unknown) => {
      this.host.log.error({ err: error }, 'WebSocket message failed');
      this.close(4500, 'Internal server error');
      ended();
    });
  }

  inUse(id: string): void {
    this.close(CLOSE_ID_IN_USE, `Subscriber for ${id} already exists`);
  }

  send(data: string): Promise<void> {
    return new Promise((done) => {
      // what was told before goes before
      this.outlet.flush();
      // a client that vanished ends by its socket's close; here it would pass for an error of the operation
      if (this.isOpen()) this.socket.send(data, () => done());
      else done();
    });
  }

  /** Closes it in order: what was told before arrives before. The reason is cut to what a close frame holds. */
  close(code: number, reason: string): void {
    this.outlet.flush();
    this.socket.close(code, shorten(code === CLOSE_IDLE ? this.overIdle(reason) : reason));
  }

  /** The client does not read. */
  onStuck(): void {
    this.close(CLOSE_BLOCKED, 'Client does not read');
    // it may never take the close frame either
    setTimeout(() => this.socket.terminate(), BLOCKED_GRACE_MS).unref();
  }

  /** connection_init has come: what it came with, once. */
  greeted(): IncomingMessage | null {
    const { request } = this;
    if (this.idle) clearTimeout(this.idle);
    this.idle = null;
    this.request = null;
    return request;
  }

  /**
   * By the message that began each. The client's id won't do: one that completes an operation may use its id again before
   * the old one has ended.
   */
  operationOf(payload: object): SocketOperation | undefined {
    return this.operations.find((one) => one.payload === payload);
  }

  begins(operation: SocketOperation): void {
    // a spread array has room for more
    this.operations = this.operations.concat(operation);
  }

  /** The operation, which runs no more. */
  ends(payload: object): SocketOperation | undefined {
    const operation = this.operationOf(payload);
    if (operation) this.operations = this.operations.filter((one) => one !== operation);
    return operation;
  }

  /** A message has come. */
  take(data: RawData, isBinary: boolean): void {
    if (!this.isOpen()) return;
    if (this.socket.bufferedAmount > MAX_BUFFERED_BYTES) this.onStuck();
    else if (isBinary) this.close(4400, 'Invalid message received');
    else this.ids.take(String(data));
  }

  /** The WebSocket is closed. */
  closed(code: number, reason: string): void {
    metrics.sockets.dec();
    this.host.connections.delete(this);
    this.greeted();
    this.outlet.close();
    const { operations } = this;
    for (const running of operations) running.abort();
    // graphql-ws ends what it knows by id; the others end here, a second time does no harm
    const ends = [this.left?.(code, reason), ...operations.map(({ events }) => events?.return?.(undefined))];
    Promise.all(ends).catch((error: unknown) => this.host.log.error({ err: error }, 'WebSocket did not close cleanly'));
  }

  private overIdle(reason: string): string {
    const limit = 'CONNECTION_INIT_TIMEOUT_MS';
    return overLimit('LIMIT_EXCEEDED', reason, limit, this.host.limits[limit]).message;
  }
}
