/** Every bound on sockets refuses with an error that names its setting, and counts it. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { metrics } from '../../../../src/platform/metrics.ts';
import { startTestApi, type TestApi } from '../http/fixture.ts';
import { openSocket } from './client.ts';

/** The whole answer to a request to become a WebSocket; the connection is left open where it is granted. */
function upgrade({ port }: TestApi): Promise<{ status: number; text: string; end(): void }> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(
        'GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
      ),
    );
    let text = '';
    const answer = (): void => {
      done({ status: Number(text.slice(9, 12)), text, end: () => socket.destroy() });
    };
    socket.on('error', fail);
    socket.on('data', (data) => {
      text += data;
      if (text.startsWith('HTTP/1.1 101')) answer();
    });
    socket.on('close', answer);
  });
}

const refusals = async (limit: string): Promise<number> =>
  (await metrics.refused.get()).values.find(({ labels }) => labels.limit === limit)?.value ?? 0;

for (const [limit, status] of [
  ['MAX_SOCKETS', 503],
  ['MAX_SOCKETS_PER_ADDRESS', 429],
  ['MAX_ACCEPTS_PER_SECOND', 503],
] as const) {
  test(`${limit}: HTTP ${status}, LIMIT_EXCEEDED, and when to come again`, async () => {
    const api = await startTestApi({ [limit]: '1' });
    const before = await refusals(limit);
    const first = await upgrade(api);
    assert.equal(first.status, 101);
    const second = await upgrade(api);
    assert.equal(second.status, status);
    assert.match(second.text, /\r\nRetry-After: [1-5]\r\n/);
    const { errors } = JSON.parse(second.text.split('\r\n\r\n')[1] as string);
    assert.deepEqual(
      [errors[0].extensions.code, errors[0].extensions.limit, errors[0].extensions.max],
      ['LIMIT_EXCEEDED', limit, 1],
    );
    assert.equal(await refusals(limit), before + 1);
    first.end();
    await api.stop();
  });
}

test('CONNECTION_INIT_TIMEOUT_MS: 4408 with its name', async () => {
  const api = await startTestApi({ CONNECTION_INIT_TIMEOUT_MS: '50' });
  const before = await refusals('CONNECTION_INIT_TIMEOUT_MS');
  const client = await openSocket(api.url);
  assert.deepEqual(await client.closed, {
    code: 4408,
    reason: 'Connection initialisation timeout; the limit is 50 (CONNECTION_INIT_TIMEOUT_MS).',
  });
  assert.equal(await refusals('CONNECTION_INIT_TIMEOUT_MS'), before + 1);
  await api.stop();
});

test('MAX_MESSAGE_BYTES: 1009, counted under its name', async () => {
  const api = await startTestApi({ MAX_MESSAGE_BYTES: '1024' });
  const before = await refusals('MAX_MESSAGE_BYTES');
  const client = await openSocket(api.url);
  client.send('x'.repeat(1_025));
  assert.equal((await client.closed).code, 1009);
  assert.equal(await refusals('MAX_MESSAGE_BYTES'), before + 1);
  await api.stop();
});
