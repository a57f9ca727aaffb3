/** What an open WebSocket keeps of its beginning. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import { Connection, type Host } from '../../../../src/platform/graphql/connection.ts';
import { SocketOperation } from '../../../../src/platform/graphql/socket-operation.ts';
import { createLog } from '../../../../src/platform/log.ts';

function opened() {
  const limits = { CONNECTION_INIT_TIMEOUT_MS: 60_000, SOCKET_BUFFER_BYTES: 1_000, SOCKET_STUCK_MS: 1_000 };
  const host: Host = { limits, log: createLog('silent'), connections: new Set() };
  const socket = Object.assign(new EventEmitter(), { readyState: 1, OPEN: 1, extensions: '', protocol: '' });
  const request = { headers: {} } as IncomingMessage;
  const connection = new Connection(socket as unknown as WebSocket, new PassThrough(), request, host);
  const ends: number[] = [];
  connection.listen(() => async (code) => void ends.push(code));
  return { connection, socket, request, host, ends };
}

test('the request is given away with connection_init, and not kept', () => {
  const { connection, request, socket } = opened();
  assert.equal(connection.greeted(), request);
  assert.equal(connection.greeted(), null);
  assert.ok(!Object.values(connection).includes(request));
  socket.emit('close', 1000, Buffer.alloc(0));
});

test('two connections have the same listeners', () => {
  const [one, other] = [opened(), opened()];
  for (const name of ['message', 'pong', 'ping', 'error', 'close']) {
    assert.deepEqual(one.socket.listeners(name), other.socket.listeners(name), name);
    assert.equal(one.socket.listeners(name)[0], other.socket.listeners(name)[0], name);
  }
  for (const { socket } of [one, other]) socket.emit('close', 1000, Buffer.alloc(0));
});

test('operations are known by the message that began them; the end of the socket aborts what runs', () => {
  const { connection, socket, host, ends } = opened();
  const [first, second] = [{}, {}].map(
    (payload) => new SocketOperation(payload, { role: 'reader', local: true }, false),
  );
  assert.ok(first && second);
  connection.begins(first);
  connection.begins(second);
  assert.equal(connection.ends(first.payload), first);
  assert.equal(connection.ends(first.payload), undefined);
  assert.equal(connection.operationOf(second.payload), second);
  socket.emit('close', 1001, Buffer.alloc(0));
  assert.ok(second.signal.aborted && !first.signal.aborted);
  assert.deepEqual([host.connections.size, ends], [0, [1001]]);
});
