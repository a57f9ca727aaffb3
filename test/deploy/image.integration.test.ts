import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type CommandResult, runCommand } from '../support/command.ts';
import { PROJECT } from '../support/tree.ts';

/** The image's base is this Node. */
const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);

describe('the image, its steps run without Docker', () => {
  let root: string;
  let built: CommandResult;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tickgraph-image-'));
    built = await runCommand(['bash', `${PROJECT}/deploy/build-image-steps.sh`, root], {
      timeoutMs: 450_000,
      // what npm ci of this checkout fetched is still there
      env: { ...process.env, PATH, npm_config_prefer_offline: 'true' },
    });
  });
  after(() => rm(root, { recursive: true, force: true }));

  test('every step succeeds and only what runs is installed', () => {
    assert.equal(built.code, 0, built.output);
    assert.ok(existsSync(join(root, 'app/node_modules/tsx')));
    assert.ok(!existsSync(join(root, 'app/node_modules/typescript')), 'development dependencies stay out');
    assert.ok(!existsSync(join(root, 'app/test')));
    assert.ok(existsSync(join(root, 'app/.cache/graphiql')), 'the page is built');
  });

  for (const role of ['api', 'ingest', 'work']) {
    test(`${role} loads there and names everything that is missing`, async () => {
      const { code, output } = await runCommand([process.execPath, '--import', 'tsx', `src/${role}.ts`], {
        timeoutMs: 60_000,
        cwd: join(root, 'app'),
        env: { PATH, HOST: '0.0.0.0', PORT: 'many' },
      });
      assert.equal(code, 1, output);
      for (const name of ['PORT', 'DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'ACCESS_TOKENS']) {
        assert.match(output, new RegExp(`^  ${name}: must be`, 'm'));
      }
      assert.doesNotMatch(output, /^\s+at /m, 'a wrong setting is no reason for a stack trace');
    });
  }
});
