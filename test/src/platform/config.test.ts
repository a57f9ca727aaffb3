import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { ConfigError, readConfig, SETTINGS, type SettingName, secretsOf } from '../../../src/platform/config.ts';
import { anyText } from '../../support/texts.ts';

function problemsOf(env: Record<string, string>, required: readonly SettingName[] = []): readonly string[] {
  try {
    readConfig(env, required);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
}

test('an empty environment is a whole configuration', () => {
  assert.deepEqual(problemsOf({}), []);
  const config = readConfig({ PORT: ' ', DATABASE_URL: '' });
  assert.equal(config.PORT, 4000);
  assert.equal(config.HOST, '127.0.0.1');
  assert.equal(config.DATABASE_URL, undefined);
});

test('one endpoint of an exchange without the other is a problem, but for KuCoin, whose REST API names its streams', () => {
  assert.deepEqual(problemsOf({ BINANCE_WS_URL: 'ws://127.0.0.1:1' }), ['BINANCE_WS_URL: needs BINANCE_REST_URL too']);
  assert.deepEqual(problemsOf({ UPBIT_REST_URL: 'http://127.0.0.1:1' }), ['UPBIT_REST_URL: needs UPBIT_WS_URL too']);
  assert.deepEqual(problemsOf({ KUCOIN_REST_URL: 'http://127.0.0.1:1' }), []);
});

test('what Kafka wants to see is told completely or not at all', () => {
  const file = fileURLToPath(import.meta.url);
  const login = { KAFKA_SASL: 'scram-sha-256', KAFKA_USERNAME: 'tickgraph', KAFKA_PASSWORD: 'correct-horse' };
  assert.deepEqual(problemsOf(login), []);
  assert.deepEqual(problemsOf({ ...login, KAFKA_SASL: 'plain', KAFKA_TLS: 'on' }), []);
  assert.deepEqual(problemsOf({ ...login, KAFKA_SASL: 'plain' }), ['KAFKA_SASL: plain needs KAFKA_TLS=on']);
  assert.deepEqual(problemsOf({ KAFKA_SASL: 'scram-sha-256' }), [
    'KAFKA_USERNAME: must be set for KAFKA_SASL',
    'KAFKA_PASSWORD: must be set for KAFKA_SASL',
  ]);
  assert.deepEqual(problemsOf({ KAFKA_PASSWORD: 'correct-horse' }), ['KAFKA_PASSWORD: needs KAFKA_SASL too']);
  assert.deepEqual(problemsOf({ KAFKA_TLS: 'on', KAFKA_CA_FILE: file }), [
    'KAFKA_CA_FILE: holds no certificate in PEM',
  ]);
  assert.deepEqual(problemsOf({ KAFKA_TLS: 'on', KAFKA_CA_FILE: `${file}.gone` }), [
    'KAFKA_CA_FILE: can not be read: ENOENT',
  ]);
  assert.deepEqual(secretsOf(readConfig(login)), ['correct-horse']);
});

test('all problems are told at once, each by its name', () => {
  const problems = problemsOf(
    {
      PORT: '70000',
      HOST: '0.0.0.0',
      REDIS_URL: 'http://cache',
      KAFKA_BROKERS: 'broker-without-port',
      MARKETS: 'kraken:BTC-USD',
      LOG_LEVEL: 'loud',
      LEASE_MS: '1e4',
      BINANCE_WS_URL: 'not a url',
      ALLOWED_ORIGINS: 'https://charts.example/path',
    },
    ['DATABASE_URL', 'REDIS_URL'],
  );
  assert.deepEqual(
    problems.map((p) => p.split(':')[0]).sort(),
    [
      'ACCESS_TOKENS',
      'ALLOWED_ORIGINS',
      'BINANCE_WS_URL',
      'DATABASE_URL',
      'HOST',
      'KAFKA_BROKERS',
      'LEASE_MS',
      'LOG_LEVEL',
      'MARKETS',
      'PORT',
      'REDIS_URL',
    ].filter((name) => name !== 'HOST'),
  );
});

test('a role without its stores says which are missing', () => {
  const stores = ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS'] as const;
  assert.deepEqual(
    problemsOf({}, stores),
    stores.map((name) => `${name}: must be set for this role`),
  );
});

test('markets, brokers, tokens and endpoints are read as meant', () => {
  const config = readConfig({
    MARKETS: 'binance:BTC-USDT, upbit:*,',
    KAFKA_BROKERS: 'a:9092, b:9093',
    ACCESS_TOKENS: 'with:colons:and-16-chars:merchant',
    BINANCE_WS_URL: 'wss://stream.binance.com:9443',
    BINANCE_REST_URL: 'https://api.binance.com/',
  });
  assert.deepEqual(config.MARKETS, [
    { exchange: 'BINANCE', symbol: 'BTC-USDT' },
    { exchange: 'UPBIT', symbol: '*' },
  ]);
  assert.deepEqual(config.KAFKA_BROKERS, ['a:9092', 'b:9093']);
  assert.deepEqual(config.ACCESS_TOKENS, [{ token: 'with:colons:and-16-chars', role: 'merchant' }]);
  assert.equal(config.BINANCE_REST_URL, 'https://api.binance.com');
});

test('no problem repeats what may be a secret', () => {
  const secret = 'hunter2hunter2';
  const problems = problemsOf({
    DATABASE_URL: `mysql://app:${secret}@db`,
    REDIS_URL: `${secret}`,
    ACCESS_TOKENS: `${secret},${secret}:owner`,
  });
  assert.equal(problems.length, 3);
  assert.doesNotMatch(problems.join('\n'), /hunter2/);
});

test('any text for any setting is a value or a problem with its name', () => {
  const names = Object.keys(SETTINGS) as SettingName[];
  const schemes = fc.constantFrom('http', 'https', 'ws', 'wss', 'postgres', 'redis', 'ftp');
  const url = fc
    .tuple(schemes, fc.domain(), fc.option(fc.nat(70_000)), anyText())
    .map(([scheme, host, port, rest]) => `${scheme}://${host}${port === null ? '' : `:${port}`}/${rest}`);
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.oneof(fc.string(), url, fc.integer().map(String)), (name, text) => {
      for (const problem of problemsOf({ [name]: text })) {
        assert.ok(problem.startsWith(`${name}: `) || problem.startsWith('ACCESS_TOKENS: '), problem);
      }
    }),
    { numRuns: 500 },
  );
});
