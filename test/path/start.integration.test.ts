/** The README's first command as a newcomer runs it: `npm start`, live data on the URLs it prints, Ctrl-C, and again. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../../src/platform/embedded-postgres.ts';
import { subscribe } from '../support/subscriber.ts';
import { PROJECT } from '../support/tree.ts';
import { until } from '../support/until.ts';

interface Run {
  child: ChildProcess;
  output(): string;
  /** As Ctrl-C in a terminal: SIGINT to every process of the group. Resolves with the ms until all of them were gone. */
  interrupt(): Promise<number>;
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
    async interrupt() {
      const from = performance.now();
      process.kill(-group, 'SIGINT');
      await until('every process to end', () => !groupLives(group));
      return performance.now() - from;
    },
  };
}

async function ask<T>(url: string, query: string): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

const TRADES = '{ trades(exchange: BINANCE, symbol: "BTC-USDT", first: 1000) { nodes { tradeId time } } }';
interface Trades {
  trades: { nodes: { tradeId: string; time: string }[] };
}

test('npm start serves live data, ends on Ctrl-C within 5 s and finds its data again', {
  timeout: 180_000,
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

    const fields = {
      tradeExecuted: 'trade { price }',
      klineUpdated: 'kline { close }',
      orderBookUpdated: 'bids { price }',
      tickerUpdated: 'ticker { last }',
    };
    for (const [field, selection] of Object.entries(fields)) {
      const subscriber = subscribe(
        url,
        `subscription { ${field}(exchange: BINANCE, symbol: "BTC-USDT") { ${selection} } }`,
      );
      await until(`two events of ${field}`, () => subscriber.events.length >= 2, { timeoutMs: 30_000 });
      assert.deepEqual(subscriber.faults, []);
      await subscriber.stop();
    }
    const before = await until('trades in the table', async () => {
      const { trades } = await ask<Trades>(url, TRADES);
      return trades.nodes.length > 3 && trades.nodes;
    });

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
    await run.interrupt();
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
