import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { PROJECT } from '../support/tree.ts';

const PROGRAM = `
import { connect, createServer } from 'node:net';
const { reset } = await import(process.argv.at(-1));
const ends = (socket) => new Promise((done) => socket.on('close', done).on('error', ({ code }) => console.log(code)).resume());
for (const isEnding of [false, true]) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (isEnding) socket.end();
    reset(socket);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  await ends(connect(server.address().port, '127.0.0.1'));
  await new Promise((done) => server.close(done));
}
console.log('ended');
`;

test('a connection is reset, one that is ending is closed, and the process ends', async () => {
  const args = ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, join(PROJECT, 'sim/reset.ts')];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  assert.deepEqual(stdout.trim().split('\n'), ['ECONNRESET', 'ended']);
});
