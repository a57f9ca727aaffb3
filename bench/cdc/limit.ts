/** The shortest way there is from a commit to a WebSocket: the slot read in this process, each change one `ws.send`. */
import { WebSocket, WebSocketServer } from 'ws';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { openChanges } from '../../src/platform/postgres/replication.ts';
import { createSlot } from '../../src/platform/postgres/slot.ts';

const SLOT = 'bench_limit';

export interface Limit {
  stop(): Promise<void>;
}

/** Calls `onKey` with the order number of every change that reaches the client. */
export async function startLimit(url: string, onKey: (key: string) => void): Promise<Limit> {
  const snapshot = await createSlot({ url, slot: SLOT, timeoutMs: 20_000 });
  await snapshot.close();
  const port = await freePort();
  const server = new WebSocketServer({ port, host: '127.0.0.1' });
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const [socket] = await Promise.all([
    new Promise<WebSocket>((done) => server.once('connection', done)),
    new Promise((done) => client.once('open', done)),
  ]);
  client.on('message', (data) => onKey((JSON.parse(String(data)) as { order_number: string }).order_number));
  const changes = openChanges({
    ...{ url, slot: SLOT, publication: 'dbz_pub', from: snapshot.at, silenceMs: 60_000 },
    async onMessage(_, message) {
      if ((message.tag === 'insert' || message.tag === 'update') && message.relation.name === 'c2c_order') {
        socket.send(JSON.stringify(message.new));
      }
    },
    onIdle: () => {},
  });
  return {
    async stop() {
      await changes.stop();
      client.terminate();
      server.close();
    },
  };
}
