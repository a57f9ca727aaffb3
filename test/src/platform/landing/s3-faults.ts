/** A door in front of an S3 server that goes wrong on demand. */
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reset } from '../../../../sim/reset.ts';

export type S3Fault = 'slow-down' | 'reset' | 'stall' | 'truncate' | 'internal';

export interface S3Door {
  host: string;
  /** What happens to the next requests, one each. */
  faults: S3Fault[];
  requests: number;
  stop(): Promise<void>;
}

const error = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

/** Opens it on loopback, before the server at `host`. */
export async function openDoor(host: string): Promise<S3Door> {
  const [hostname, port] = host.split(':');
  const server = createServer((incoming, response) => {
    door.requests++;
    const fault = door.faults.shift();
    if (fault === 'reset') return void reset(incoming.socket);
    if (fault === 'stall') return;
    if (fault === 'slow-down' || fault === 'internal') {
      const [status, code] = fault === 'internal' ? [500, 'InternalError'] : [503, 'SlowDown'];
      incoming.resume();
      response.writeHead(status as number, { 'content-type': 'application/xml' }).end(error(code as string));
      return;
    }
    const { method, url, headers } = incoming;
    const onward = forward({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault !== 'truncate') return void answer.pipe(response);
      answer.once('data', (chunk: Buffer) => {
        response.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => incoming.socket.destroy());
      });
    });
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const door: S3Door = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults: [],
    requests: 0,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return door;
}
