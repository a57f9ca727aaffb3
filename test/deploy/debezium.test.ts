import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { readCompose } from '../support/compose.ts';
import { debeziumVersion } from '../support/connect-jars.ts';
import { PROJECT, projectText } from '../support/tree.ts';
import { until } from '../support/until.ts';

const connector = JSON.parse(await projectText('deploy/debezium/c2c-order.json')) as Record<string, string>;
const { services } = await readCompose();

test('the connector reads the database of the compose file', () => {
  const { POSTGRES_DB } = services.postgres?.environment ?? {};
  assert.deepEqual([connector['database.hostname'], connector['database.port']], ['postgres', '5432']);
  assert.equal(connector['database.dbname'], POSTGRES_DB);
  assert.equal(connector['topic.prefix'], 'cdc');
  // without a provider Connect would take the text itself as the password
  const { CONNECT_CONFIG_PROVIDERS, CONNECT_CONFIG_PROVIDERS_ENV_CLASS, DBZ_PASSWORD } =
    services.connect?.environment ?? {};
  assert.equal(connector['database.password'], '$' + '{env:DBZ_PASSWORD}');
  assert.equal(CONNECT_CONFIG_PROVIDERS, 'env');
  assert.match(CONNECT_CONFIG_PROVIDERS_ENV_CLASS ?? '', /EnvVarConfigProvider$/);
  assert.ok(DBZ_PASSWORD);
});

test('defaults that lose or blur data are overridden', () => {
  const needed = {
    'plugin.name': 'pgoutput',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'isostring',
    'skipped.operations': 'none',
    'offset.mismatch.strategy': 'trust_offset',
    'slot.drop.on.stop': 'false',
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'initial',
  };
  for (const [name, value] of Object.entries(needed)) assert.equal(connector[name], value, name);
  assert.ok(Number(connector['heartbeat.interval.ms']) > 0, 'an idle table must not hold back the log');
});

test('the database is prepared for exactly what the connector asks for', async () => {
  const sql = `${await projectText('deploy/debezium/prepare.sql')}${await projectText('deploy/debezium/publication.sql')}`;
  const signals = connector['signal.data.collection'] ?? '';
  for (const table of [...(connector['table.include.list'] ?? '').split(','), signals]) {
    assert.match(sql, new RegExp(`GRANT SELECT\\b[^;]* ON ${table} TO ${connector['database.user']}`), table);
    assert.match(sql, new RegExp(`CREATE PUBLICATION ${connector['publication.name']} FOR TABLE [^']*${table}`), table);
  }
  assert.match(connector['heartbeat.action.query'] ?? '', /^INSERT INTO public\.dbz_heartbeat\b/);
});

test('the worker and the connector of the compose file are those that the tests run', async () => {
  const version = await debeziumVersion();
  assert.equal(services.connect?.image, `quay.io/debezium/connect:${version}`);
  assert.equal(services['cdc-register']?.image, services.connect?.image);
  const broker = /<kafka\.version>(.*)</.exec(await projectText('test/support/connect/pom.xml'))?.[1];
  assert.equal(services.kafka?.image, `apache/kafka:${broker}`);
});

test('a connector that failed is started again', async () => {
  const asked: string[] = [];
  let state = 'FAILED';
  const server = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url?.includes('/restart')) state = 'RUNNING';
    answer.end(JSON.stringify({ tasks: [{ id: 0, state }] }).replaceAll(' ', ''));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const environment = { CONNECT_URL: `http://127.0.0.1:${port}`, CONFIG: 'deploy/debezium/c2c-order.json' };
  const child = spawn('sh', ['deploy/debezium/supervise.sh'], {
    ...{ cwd: PROJECT, stdio: 'ignore' },
    env: { PATH: process.env.PATH, LOOK_SECONDS: '0.2', ...environment },
  });
  try {
    await until('another look after the restart', () => {
      const restarted = asked.findIndex((one) => one.includes('/restart'));
      return restarted > 0 && asked.slice(restarted + 1).includes('GET /connectors/c2c-order/status');
    });
    assert.equal(asked[0], 'PUT /connectors/c2c-order/config');
    const restarts = asked.filter((one) => one.startsWith('POST'));
    assert.deepEqual(restarts, ['POST /connectors/c2c-order/restart?includeTasks=true&onlyFailed=true']);
    assert.equal(services['cdc-register']?.environment?.CONFIG, '/deploy/c2c-order.json');
  } finally {
    child.kill('SIGKILL');
    server.close();
  }
});

test('a connector that is gone is registered again', async () => {
  const asked: string[] = [];
  const server = createServer((request, answer) => {
    asked.push(`${request.method}`);
    // Kafka Connect has lost what it knew after it was first told
    const isGone = request.method === 'GET' && asked.filter((one) => one === 'PUT').length === 1;
    answer.statusCode = isGone ? 404 : 200;
    answer.end(isGone ? '{"error_code":404,"message":"No status found"}' : '{"tasks":[{"state":"RUNNING"}]}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const environment = { CONNECT_URL: `http://127.0.0.1:${port}`, CONFIG: 'deploy/debezium/c2c-order.json' };
  const child = spawn('sh', ['deploy/debezium/supervise.sh'], {
    ...{ cwd: PROJECT, stdio: 'ignore' },
    env: { PATH: process.env.PATH, LOOK_SECONDS: '0.2', ...environment },
  });
  try {
    await until('two looks after the second registration', () => asked.length >= 5);
    assert.deepEqual(asked.slice(0, 5), ['PUT', 'GET', 'PUT', 'GET', 'GET']);
  } finally {
    child.kill('SIGKILL');
    server.close();
  }
});
