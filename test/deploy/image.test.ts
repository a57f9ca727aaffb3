import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runCommand } from '../support/command.ts';
import { reachedFrom } from '../support/imports.ts';
import { PROJECT, projectFiles, projectText } from '../support/tree.ts';

const copied = [...(await projectText('deploy/Dockerfile')).matchAll(/^COPY (.+)$/gm)].flatMap(([, list = '']) =>
  list.split(' ').slice(0, -1),
);

test('what is copied exists and .dockerignore does not keep it out', async () => {
  const ignored = (await projectText('.dockerignore'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const files = projectFiles();
  for (const path of copied) {
    assert.ok(
      files.some((file) => file === path || file.startsWith(`${path}/`)),
      path,
    );
    assert.ok(!ignored.some((one) => path === one || path.startsWith(`${one}/`)), path);
  }
  assert.ok(ignored.includes('.env') && ignored.includes('node_modules') && ignored.includes('.git'));
});

test('everything that the roles reach is in the image', async () => {
  const { files } = await reachedFrom(['src/api.ts', 'src/ingest.ts', 'src/work.ts'], projectText);
  assert.deepEqual(
    [...files].filter((file) => !copied.some((path) => file === path || file.startsWith(`${path}/`))),
    [],
  );
});

test('the process is not root and gets its signals itself', async () => {
  const dockerfile = await projectText('deploy/Dockerfile');
  assert.match(dockerfile, /^USER node$/m);
  assert.match(dockerfile, /^CMD \["node", "--import", "tsx", "src\/api\.ts"\]$/m);
});

test('the health check ends with 0 only when the answer is 2xx', async () => {
  let status = 200;
  const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
  const check = async (address: string): Promise<number | null> =>
    (await runCommand([process.execPath, `${PROJECT}/deploy/healthcheck.ts`, address], { timeoutMs: 10_000 })).code;
  try {
    assert.equal(await check(url), 0);
    status = 503;
    assert.equal(await check(url), 1);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  assert.equal(await check(url), 1);
});
