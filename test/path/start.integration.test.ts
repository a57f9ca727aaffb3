/** The README's first command as a newcomer runs it: `npm start`, live data on the URLs it prints, Ctrl-C, and again. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { EXAMPLES } from '../../web/graphiql/examples.ts';
import { startRole } from '../support/role.ts';
import { subscribe } from '../support/subscriber.ts';
import { PROJECT } from '../support/tree.ts';
import { until } from '../support/until.ts';

interface Run {
  child: ChildProcess;
  output(): string;
  /** As Ctrl-C in a terminal: SIGINT to every process of the group. Resolves with the ms until all of them were gone. */
  interrupt(signal?: NodeJS.Signals): Promise<number>;
}

function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

function start(port: number, folder: string, ...args: string[]): Run {
  const child = spawn('npm', ['start', ...args], {
    cwd: PROJECT,
    detached: true,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), DATA_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const group = child.pid as number;
  return {
    child,
    output: () => text,
    async interrupt(signal = 'SIGINT') {
      const from = performance.now();
      process.kill(-group, signal);
      await until('every process to end', () => !groupLives(group));
      return performance.now() - from;
    },
  };
}

async function ask<T>(url: string, query: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** The sum of a metric over its labels; `labels` narrows it to lines that have them. */
function sumOf(scraped: string, metric: string, labels = ''): number {
  const lines = scraped
    .split('\n')
    .filter((line) => /[{ ]/.exec(line)?.index === metric.length && line.startsWith(metric));
  return lines.filter((line) => line.includes(labels)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function scrape(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** Everything that the process tells of itself moves while data flows and somebody listens. */
async function checkMetrics(url: string): Promise<void> {
  const scraped = await scrape(url);
  for (const metric of [
    'frames_total',
    'events_total',
    'feed_connections',
    'worker_batch_seconds_count',
    'worker_messages_total',
    'rows_written_total',
    'live_events_total',
    'operation_seconds_count',
    'deliveries_total',
    'event_loop_delay_p99_seconds',
  ]) {
    assert.ok(sumOf(scraped, `tickgraph_${metric}`) > 0, metric);
  }
  for (const field of ['klineUpdated', 'tradeExecuted', 'orderBookUpdated', 'tickerUpdated']) {
    assert.ok(sumOf(scraped, 'tickgraph_end_to_end_seconds_count', `field="${field}"`) > 0, field);
  }
  for (const group of ['bronze', 'silver', 'klines', 'live']) {
    assert.match(scraped, new RegExp(`tickgraph_worker_lag_messages\\{group="${group}",`));
  }
}

/** More than the database can answer, at once: some are told so, none breaks. */
async function flood(url: string): Promise<void> {
  const lists = Array.from(
    { length: 15 },
    (_, i) => `a${i}: klines(exchange: BINANCE, symbol: "BTC-USDT", first: ${1_000 + i}) { nodes { openTime close } }`,
  );
  const body = JSON.stringify({ query: `{ ${lists.join(' ')} }` });
  const headers = { 'content-type': 'application/json' };
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
      const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
      return `${response.status} ${errors[0]?.extensions.code ?? ''}`;
    }),
  );
  assert.deepEqual(
    answers.filter((answer) => !/^200 (STORE_UNAVAILABLE)?$|^504 TIMEOUT$/.test(answer)),
    [],
  );
}

const TRADES = '{ trades(exchange: BINANCE, symbol: "BTC-USDT", first: 1000) { nodes { tradeId time } } }';
interface Trades {
  trades: { nodes: { tradeId: string; time: string }[] };
}

test('npm start serves live data, ends on Ctrl-C within 5 s and finds its data again', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-start-'));
  await chmod(folder, 0o711);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let run = start(port, folder);
  try {
    await until('the URLs', () => run.output().includes(`${url}/graphiql`), { timeoutMs: 30_000 });
    assert.match(run.output(), /SIMULATED/);
    const page = await fetch(`${url}/`);
    assert.equal(page.url, `${url}/graphiql`);
    assert.match(await page.text(), /<script/);
    await until('readiness', async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 30_000 });

    for (const { name, query, variables } of EXAMPLES) {
      if (!/^subscription/m.test(query)) {
        await until(`all of ${name}`, async () => {
          const data = await ask<object>(url, query, variables);
          return !/null|\[\]/.test(JSON.stringify(data));
        });
        continue;
      }
      const subscriber = subscribe(url, query, variables);
      await until(`two events of ${name}`, () => subscriber.events.length >= 2, { timeoutMs: 30_000 });
      assert.deepEqual(subscriber.faults, []);
      const field = Object.keys(subscriber.events[0] as object)[0];
      assert.equal(sumOf(await scrape(url), 'tickgraph_subscribers', `"${field}"`), 1);
      await subscriber.stop();
    }
    const before = await until('trades in the table', async () => {
      const { trades } = await ask<Trades>(url, TRADES);
      return trades.nodes.length > 3 && trades.nodes;
    });

    const RUNS = '{ pipelineRuns(pipeline: "daily_batch_processing") { task status } }';
    await until(
      'the first run of the daily pipeline',
      async () => {
        const { pipelineRuns } = await ask<{ pipelineRuns: { task: string; status: string }[] }>(url, RUNS);
        return pipelineRuns.some(({ task, status }) => task === '' && status === 'SUCCEEDED');
      },
      { timeoutMs: 120_000 },
    );
    const ORDERS = '{ c2cOrders(first: 5) { totalCount } }';
    assert.ok((await ask<{ c2cOrders: { totalCount: number } }>(url, ORDERS)).c2cOrders.totalCount > 1_000);
    // asked for beside it, this process does it
    const command = startRole('src/pipeline.ts', { DATA_DIR: folder }, ['streaming_ingestion']);
    assert.equal(await command.exited, 0, command.output());
    assert.match(command.output(), /^\+ all of it +succeeded /m);

    await checkMetrics(url);
    await flood(url);
    assert.ok((await fetch(`${url}/readyz`)).ok);

    // started once more beside it, it says what is in the way and how to get round it
    const second = start(port, folder);
    await once(second.child, 'exit');
    assert.equal(second.child.exitCode, 1);
    assert.match(second.output(), /^ {2}DATA_DIR: .* is in use by process [0-9]+/m);
    assert.doesNotMatch(second.output(), /^\s+at /m);

    const ms = await run.interrupt();
    assert.ok(ms < 5_000, `took ${ms} ms`);
    assert.match(run.output(), /"msg":"stopped"/);
    assert.doesNotMatch(run.output(), /"level":(40|50|60)/);

    run = start(port, folder);
    await until('the URLs again', () => run.output().includes(`${url}/graphiql`), { timeoutMs: 30_000 });
    const { trades } = await ask<Trades>(url, TRADES);
    const ids = new Set(trades.nodes.map((t) => t.tradeId));
    assert.ok(
      before.every((t) => ids.has(t.tradeId)),
      'the first run’s trades are there',
    );

    // killed without warning, it starts again all the same
    process.kill(-(run.child.pid as number), 'SIGKILL');
    await once(run.child, 'exit');
    run = start(port, folder);
    await until('the URLs after a kill', () => run.output().includes(`${url}/graphiql`), { timeoutMs: 30_000 });
    // as a terminal that is closed
    await run.interrupt('SIGHUP');
    assert.match(run.output(), /"msg":"stopped"/);
  } finally {
    if (groupLives(run.child.pid as number)) await run.interrupt();
    await rm(folder, { recursive: true, force: true });
  }
});

test('wrong settings end the start with every problem on a line and no stack trace', { timeout: 30_000 }, async () => {
  const child = spawn('npm', ['start'], {
    cwd: PROJECT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: 'x', HOST: '0.0.0.0', MARKETS: 'kraken:BTC-USD' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'exit');
  assert.equal(code, 1);
  for (const name of ['PORT', 'MARKETS', 'ACCESS_TOKENS']) assert.match(text, new RegExp(`^  ${name}: `, 'm'));
  assert.doesNotMatch(text, /^\s+at /m);
});
