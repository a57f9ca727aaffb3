/** A real Kafka Connect worker with Debezium's connector, as docker-compose.yml runs them: to freeze and to kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { connectJars } from './connect-jars.ts';
import { projectText } from './tree.ts';
import { until } from './until.ts';

const START_MS = 90_000;
const CONNECTOR = 'c2c-order';
const JVM = ['-Xms96m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

export interface DebeziumOptions {
  brokers: readonly string[];
  /** Of the database to capture, as its owner. */
  databaseUrl: string;
  /** What the role `dbz` logs in with. */
  password: string;
  /** Lines of the connector's configuration that win over deploy/debezium/c2c-order.json. */
  connector?: Readonly<Record<string, string>>;
}

export interface ConnectorState {
  /** Of the connector's one task; null where it has none. */
  task: string | null;
  /** What it failed with. */
  trace: string;
}

export interface TestDebezium {
  readonly pid: number;
  /** What the worker has printed lately. */
  output(): string;
  state(): Promise<ConnectorState>;
  /** Waits until the connector's task runs. */
  running(): Promise<void>;
  /** Registers the connector, with these lines on top of the first ones. */
  register(connector?: Readonly<Record<string, string>>): Promise<void>;
  /** What compose's supervisor does with a task that failed. */
  restartFailed(): Promise<void>;
  /** Any call of Connect's REST interface. */
  rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  kill(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts the worker again; kills it first where it still runs. It finds its connector by itself. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Fetches what a worker needs. Throws ServiceUnavailable with the way to get it. */
export async function prepareDebezium(): Promise<void> {
  await connectJars();
}

/** Starts a worker; its connector is registered by `register`. The database is prepared already (prepare.sql). */
export async function startDebezium(options: DebeziumOptions): Promise<TestDebezium> {
  const { worker, plugins } = await connectJars();
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-connect-'));
  const port = await freePort();
  const file = join(folder, 'worker.properties');
  const lines = Object.entries(await workerProperties(options.brokers, port, plugins));
  await writeFile(file, lines.map(([name, value]) => `${name}=${value}\n`).join(''));
  let child: ChildProcess;
  let said = '';

  async function rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }

  async function start(): Promise<void> {
    const level = process.env.CONNECT_LOG ?? 'warn';
    const args = [...JVM, `-Dorg.slf4j.simpleLogger.defaultLogLevel=${level}`, '-cp', join(worker, '*')];
    child = spawn('java', [...args, 'org.apache.kafka.connect.cli.ConnectDistributed', file], {
      cwd: folder,
      env: { PATH: process.env.PATH, DBZ_PASSWORD: options.password },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-100_000);
    });
    const answers = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`Connect ended: ${said.slice(-2_000)}`);
      return (await rest('GET', '/connectors')).status === 200;
    };
    await until('Kafka Connect to answer', answers, { timeoutMs: START_MS, everyMs: 200 });
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  }

  async function state(): Promise<ConnectorState> {
    const { status, body } = await rest('GET', `/connectors/${CONNECTOR}/status`);
    if (status !== 200) return { task: null, trace: '' };
    const task = (body as { tasks: { state: string; trace?: string }[] }).tasks[0];
    return { task: task?.state ?? null, trace: task?.trace ?? '' };
  }

  const onExit = (): void => void child?.kill('SIGKILL');
  process.once('exit', onExit);
  await start();
  return {
    get pid() {
      return child.pid ?? 0;
    },
    output: () => said,
    state,
    rest,
    running: async () => {
      await until('the connector to run', async () => (await state()).task === 'RUNNING', { timeoutMs: START_MS });
    },
    async register(connector = {}) {
      const config = { ...(await connectorConfig(options)), ...options.connector, ...connector };
      const { status, body } = await rest('PUT', `/connectors/${CONNECTOR}/config`, config);
      if (status >= 300) throw new Error(`the connector was refused: ${JSON.stringify(body)}`);
    },
    async restartFailed() {
      await rest('POST', `/connectors/${CONNECTOR}/restart?includeTasks=true&onlyFailed=true`);
    },
    async kill(signal) {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await end(signal);
      else child.kill(signal);
    },
    async restart() {
      await end('SIGKILL');
      await start();
    },
    async stop() {
      process.off('exit', onExit);
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** deploy/debezium/c2c-order.json, led to the test's database. */
async function connectorConfig({ databaseUrl }: DebeziumOptions): Promise<Record<string, string>> {
  const given = JSON.parse(await projectText('deploy/debezium/c2c-order.json')) as Record<string, string>;
  const { hostname, port, pathname } = new URL(databaseUrl);
  return {
    ...given,
    'database.hostname': hostname,
    'database.port': port,
    'database.dbname': pathname.slice(1),
  };
}

async function workerProperties(brokers: readonly string[], port: number, plugins: string) {
  return {
    'bootstrap.servers': brokers.join(','),
    'group.id': 'connect',
    'config.storage.topic': 'connect_configs',
    'offset.storage.topic': 'connect_offsets',
    'status.storage.topic': 'connect_statuses',
    'config.storage.replication.factor': '1',
    'offset.storage.replication.factor': '1',
    'status.storage.replication.factor': '1',
    'offset.storage.partitions': '1',
    'status.storage.partitions': '1',
    'offset.flush.interval.ms': '1000',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'plugin.path': plugins,
    'plugin.discovery': 'service_load',
    listeners: `http://127.0.0.1:${port}`,
    'rest.advertised.host.name': '127.0.0.1',
    'topic.creation.enable': 'true',
    'config.providers': 'env',
    'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'session.timeout.ms': '6000',
    'heartbeat.interval.ms': '1000',
    'scheduled.rebalance.max.delay.ms': '0',
  };
}
