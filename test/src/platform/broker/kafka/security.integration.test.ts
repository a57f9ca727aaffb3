/** A Kafka that wants TLS and a login. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Broker } from '../../../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../../../src/platform/broker/kafka/broker.ts';
import { readConfig, secretsOf } from '../../../../../src/platform/config.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { kafkaSecurity } from '../../../../../src/platform/open.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../../../../support/kafka.ts';
import { withService } from '../../../../support/service.ts';
import { until } from '../../../../support/until.ts';
import { listen, numbered, spec, texts, values } from '../listening.ts';

const run = promisify(execFile);
const USERNAME = 'tickgraph';
const PASSWORD = 'correct-horse-battery';
const STORE_PASSWORD = 'not-a-secret';
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

await withService('Kafka with TLS and a login', prepareOwnKafka, () => {
  let folder: string;
  let authorities: string;
  let kafka: TestKafka;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tickgraph-tls-'));
    const keyStore = join(folder, 'broker.p12');
    authorities = join(folder, 'authorities.pem');
    const store = ['-keystore', keyStore, '-storepass', STORE_PASSWORD, '-alias', 'broker'];
    const key = ['-keyalg', 'EC', '-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1', '-validity', '2'];
    await run('keytool', ['-genkeypair', '-storetype', 'PKCS12', ...store, ...key]);
    await run('keytool', ['-exportcert', '-rfc', '-file', authorities, ...store]);
    const secured = { keyStore, keyStorePassword: STORE_PASSWORD, username: USERNAME, password: PASSWORD };
    kafka = await startKafka({ secured });
  });
  after(async () => {
    await kafka?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The log as a process opens it whose settings are these. */
  async function open(settings: Record<string, string>, lines: string[] = []): Promise<Broker> {
    const config = readConfig({ KAFKA_BROKERS: kafka.securedBrokers.join(','), ...settings });
    const log = createLog('trace', { write: (line: string) => void lines.push(line) }, secretsOf(config));
    return openKafkaBroker({
      ...{ brokers: config.KAFKA_BROKERS, security: kafkaSecurity(config), clientId: 'test', log },
      ...{ sessionTimeoutMs: 5_000, timeoutMs: 8_000 },
    });
  }

  /** What a process does first. */
  async function begin(settings: Record<string, string>, lines: string[]): Promise<void> {
    const broker = await open(settings, lines);
    try {
      await broker.ensureTopics([spec()]);
    } finally {
      await broker.close();
    }
  }

  for (const mechanism of MECHANISMS) {
    test(`messages come and go over TLS with ${mechanism}, and no secret reaches the log`, async () => {
      const lines: string[] = [];
      const login = { KAFKA_SASL: mechanism, KAFKA_USERNAME: USERNAME, KAFKA_PASSWORD: PASSWORD };
      const broker = await open({ KAFKA_TLS: 'on', KAFKA_CA_FILE: authorities, ...login }, lines);
      try {
        const topic = spec();
        await broker.ensureTopics([topic]);
        await broker.send(topic.name, numbered(0, 20));
        const listener = await listen(broker, { group: topic.name, topics: [topic.name] });
        await until('all messages', () => listener.seen.length === 20);
        assert.deepEqual(values(listener.seen), texts(0, 20));
        await listener.stop();
      } finally {
        await broker.close();
      }
      assert.ok(lines.length > 0, 'something was logged');
      assert.ok(!lines.join('').includes(PASSWORD));
    });
  }

  const login = { KAFKA_SASL: 'scram-sha-512', KAFKA_USERNAME: USERNAME, KAFKA_PASSWORD: PASSWORD };
  const refused: [what: string, settings: () => Record<string, string>, why: RegExp][] = [
    [
      'a wrong password',
      () => ({ KAFKA_TLS: 'on', KAFKA_CA_FILE: authorities, ...login, KAFKA_PASSWORD: 'wrong-horse' }),
      /authentication|credentials/i,
    ],
    ['no login', () => ({ KAFKA_TLS: 'on', KAFKA_CA_FILE: authorities }), /connection/i],
    ['an authority that Node does not know', () => ({ KAFKA_TLS: 'on', ...login }), /self-signed certificate/],
    ['no TLS', () => login, /connection/i],
  ];
  for (const [what, settings, why] of refused) {
    test(`${what}: the start ends with the reason, without the password`, async () => {
      const lines: string[] = [];
      await assert.rejects(begin(settings(), lines), (error: Error) => {
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /horse/);
        return true;
      });
      assert.doesNotMatch(lines.join(''), /horse/);
    });
  }

  test('a certificate of another host is not taken', async () => {
    const config = readConfig({
      KAFKA_BROKERS: `localhost:${kafka.securedBrokers[0]?.split(':')[1]}`,
      KAFKA_TLS: 'on',
      KAFKA_CA_FILE: authorities,
      ...login,
    });
    const options = {
      brokers: config.KAFKA_BROKERS,
      security: kafkaSecurity(config),
      clientId: 'test',
      log: createLog('silent'),
    };
    await assert.rejects(
      openKafkaBroker({ ...options, sessionTimeoutMs: 5_000, timeoutMs: 8_000 }),
      /altnames|Hostname/,
    );
  });
});
