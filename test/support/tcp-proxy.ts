/** A network that can be broken on purpose: a loopback TCP proxy before a service. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { reset } from '../../sim/reset.ts';

/**
 * pass: as if it were not there. blackhole: connections stay open and are accepted, nothing goes through either way.
 * reset: open connections get a RST, and so does each new one. refuse: as reset, and nobody listens.
 */
export type ProxyMode = 'pass' | 'blackhole' | 'reset' | 'refuse';

export interface TcpProxy {
  readonly port: number;
  readonly mode: ProxyMode;
  /** Open connections of clients. */
  readonly connections: number;
  /** Takes effect for open connections too; `pass` lets through what a blackhole held back. */
  set(mode: ProxyMode): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a proxy on a free loopback port (or `port`) to a port of loopback. */
export async function startTcpProxy(target: number, port = 0): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; upstream: Socket }>();
  let mode: ProxyMode = 'pass';
  let server: Server;

  function accept(client: Socket): void {
    // one that was on its way when nobody listens any more, too
    if (mode === 'reset' || !server.listening) {
      reset(client.on('error', () => {}));
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    const pair = { client, upstream };
    pairs.add(pair);
    link(client, upstream);
    link(upstream, client);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('close', () => pairs.delete(pair));
      if (mode === 'blackhole') socket.pause();
    }
  }

  function link(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      // a reader that is slow slows the sender, as without a proxy
      if (to.writable && !to.write(chunk)) {
        from.pause();
        to.once('drain', () => mode === 'pass' && from.resume());
      }
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }

  async function listen(at: number): Promise<void> {
    server = createServer({ allowHalfOpen: true }, accept);
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  }

  function cut(): void {
    for (const { client, upstream } of pairs) {
      reset(client);
      upstream.destroy();
    }
    pairs.clear();
  }

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  }

  await listen(port);
  const bound = (server!.address() as AddressInfo).port;
  return {
    port: bound,
    get mode() {
      return mode;
    },
    get connections() {
      return pairs.size;
    },
    async set(next) {
      mode = next;
      if (next === 'refuse') return close();
      if (!server.listening) await listen(bound);
      if (next === 'reset') return cut();
      for (const { client, upstream } of pairs) {
        for (const socket of [client, upstream]) next === 'pass' ? socket.resume() : socket.pause();
      }
    },
    stop: close,
  };
}
