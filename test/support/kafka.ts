/** A real Kafka for the tests: one KRaft broker of one's own to freeze and kill, or one shared by a test run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Admin } from 'kafkajs';
import { kafkajs } from '../../src/platform/broker/kafka/mended/kafkajs.ts';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { kafkaJars } from './kafka-jars.ts';
import { reapAfterUs } from './reaper.ts';
import { stopped } from './stopped.ts';

const run = promisify(execFile);
const START_MS = 60_000;
const STOP_MS = 10_000;
/** Any; a cluster of one needs no other. */
const CLUSTER_ID = 'dGlja2dyYXBoLXRlc3Rzcg';
/** Small, and quick to be up; the compiler's first tier is all a test ever reaches. */
const JVM = [
  '-Xms96m',
  '-Xmx384m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Djava.awt.headless=true',
];

export interface KafkaOptions {
  /** More lines of server.properties; wins over ours. */
  properties?: Readonly<Record<string, string>>;
  /** Makes room for a proxy: clients that come by `proxiedListener` are told this port for everything that follows. */
  proxyPort?: number;
  /** One more listener, which wants TLS and a login (SASL plain, scram-sha-256 or scram-sha-512). */
  secured?: { keyStore: string; keyStorePassword: string; username: string; password: string };
}

export interface TestKafka {
  /** host:port, for KAFKA_BROKERS. */
  readonly brokers: string[];
  /** Where a proxy on `proxyPort` must lead; 0 without one. */
  readonly proxiedListener: number;
  /** host:port of the listener that wants TLS and a login; empty without one. */
  readonly securedBrokers: string[];
  /** Where its logs are: `<folder>/<topic>-<partition>/`. */
  readonly folder: string;
  /** Of the running broker; changes with `restart`. */
  readonly pid: number;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
  /** Sends a signal; resolves when the process is gone, or stands still, if that is what it does. */
  kill(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same ports with its data; kills it first where it still runs. Takes 2 s or more. */
  restart(): Promise<void>;
}

/** Fetches what a broker needs, where it isn't here yet. Throws ServiceUnavailable with the way to get it. */
export async function prepareKafka(): Promise<void> {
  if (!process.env.KAFKA_TEST_BROKERS) await kafkaJars();
}

/** As `prepareKafka`, for suites that must own the broker. */
export async function prepareOwnKafka(): Promise<void> {
  await kafkaJars();
}

/**
 * The broker at KAFKA_TEST_BROKERS, else a new one. Its callers keep apart by random topic and group names; `stop` ends
 * it only if it was started here.
 */
export async function sharedKafka(): Promise<{ brokers: string[]; stop(): Promise<void> }> {
  const brokers = process.env.KAFKA_TEST_BROKERS;
  return brokers ? { brokers: brokers.split(','), stop: async () => {} } : startKafka();
}

/** Starts a broker on loopback, its data in a temporary folder. Throws ServiceUnavailable where none can be had. */
export async function startKafka({ properties = {}, proxyPort, secured }: KafkaOptions = {}): Promise<TestKafka> {
  const classPath = join(await kafkaJars(), '*');
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-kafka-'));
  const [port, controller, proxied] = [await freePort(), await freePort(), proxyPort ? await freePort() : 0];
  const securedPort = secured ? await freePort() : 0;
  const plain = serverProperties(folder, port, controller, proxied, proxyPort ?? 0);
  const settings = { ...plain, ...(secured ? securedProperties(plain, securedPort, secured) : {}), ...properties };
  const file = join(folder, 'server.properties');
  await writeFile(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const users = secured
    ? ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=${secured.username},password=${secured.password}]`,
      ])
    : [];
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file, ...users];
  await run('java', [...JVM, '-cp', classPath, ...format]);

  const brokers = [`127.0.0.1:${port}`];
  let child: ChildProcess;

  async function start(): Promise<void> {
    child = spawn('java', [...JVM, '-cp', classPath, 'kafka.Kafka', file], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await writeFile(join(folder, 'server.pid'), `${child.pid}\n`);
    let said = '';
    child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-2_000);
    });
    const deadline = Date.now() + START_MS;
    while (!(await answers(brokers))) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the broker ended: ${said}`);
      if (Date.now() > deadline) throw new Error(`the broker did not answer within ${START_MS} ms: ${said}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // a frozen process takes no SIGTERM
    child.kill('SIGCONT');
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(force);
  }

  const onExit = (): void => void child?.kill('SIGKILL');
  process.once('exit', onExit);
  const endReaper = reapAfterUs(folder, 'server.pid');
  await start();
  return {
    brokers,
    proxiedListener: proxied,
    securedBrokers: secured ? [`127.0.0.1:${securedPort}`] : [],
    folder: join(folder, 'data'),
    get pid() {
      return child.pid ?? 0;
    },
    async kill(signal) {
      if (signal === 'SIGTERM' || signal === 'SIGKILL') return end(signal);
      child.kill(signal);
      if (signal === 'SIGSTOP') await stopped(child.pid ?? 0);
    },
    async restart() {
      await end('SIGKILL');
      await start();
    },
    async stop() {
      process.off('exit', onExit);
      // its data is thrown away, so there is nothing to save
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
      endReaper();
    },
  };
}

function serverProperties(
  folder: string,
  port: number,
  controller: number,
  proxied: number,
  proxyPort: number,
): Record<string, string> {
  const listeners = [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controller}`];
  const advertised = [`PLAINTEXT://127.0.0.1:${port}`];
  if (proxied) {
    listeners.push(`PROXIED://127.0.0.1:${proxied}`);
    advertised.push(`PROXIED://127.0.0.1:${proxyPort}`);
  }
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: listeners.join(','),
    'advertised.listeners': advertised.join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '2',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'log.retention.check.interval.ms': '1000',
    // a killed broker may register again once its session is over
    'broker.session.timeout.ms': '1500',
    'broker.heartbeat.interval.ms': '300',
  };
}

function securedProperties(
  plain: Record<string, string>,
  port: number,
  { keyStore, keyStorePassword, username, password }: NonNullable<KafkaOptions['secured']>,
): Record<string, string> {
  const [at, modules] = ['listener.name.secured', 'org.apache.kafka.common.security'];
  const scram = `${modules}.scram.ScramLoginModule required;`;
  return {
    listeners: `${plain.listeners},SECURED://127.0.0.1:${port}`,
    'advertised.listeners': `${plain['advertised.listeners']},SECURED://127.0.0.1:${port}`,
    'listener.security.protocol.map': `${plain['listener.security.protocol.map']},SECURED:SASL_SSL`,
    [`${at}.ssl.keystore.location`]: keyStore,
    [`${at}.ssl.keystore.password`]: keyStorePassword,
    [`${at}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${at}.plain.sasl.jaas.config`]: `${modules}.plain.PlainLoginModule required user_${username}="${password}";`,
    [`${at}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${at}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}

async function answers(brokers: readonly string[]): Promise<boolean> {
  const admin = adminOf(brokers);
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** For what the product itself never does: deleting records, resetting groups. The caller connects and disconnects. */
export function adminOf(brokers: readonly string[]): Admin {
  const kafka = new kafkajs.Kafka({
    clientId: 'test',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  });
  return kafka.admin();
}
