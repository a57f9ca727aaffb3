import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { connect } from './stream-client.ts';

const ROOT = new URL('../..', import.meta.url);

async function start(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'sim/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, urls: JSON.parse(line) as { wsUrl: string; restUrl: string; controlUrl: string; symbols: string[] } };
}

async function stop(child: ChildProcess) {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
}

test('as a process it prints its URLs, serves, dumps what it sent, and ends on SIGTERM', async () => {
  const { child, urls } = await start('--symbols', 'BTCUSDT,TRXUSDT', '--seed', '5', '--rate', '10');
  try {
    assert.deepEqual(urls.symbols, ['BTCUSDT', 'TRXUSDT']);
    const client = await connect(`${urls.wsUrl}/ws/btcusdt@aggTrade`);
    await client.until((f) => f.length >= 10);
    const sent = (await (await fetch(`${urls.controlUrl}/sim/sent?symbol=BTCUSDT`)).json()) as {
      trades: { a: number }[];
    };
    const ids = new Set(sent.trades.map((t) => t.a));
    for (const frame of client.frames.slice(0, 10)) assert.ok(ids.has((JSON.parse(frame) as { a: number }).a));
    client.close();
  } finally {
    await stop(child);
  }
});

test('as a process it replays a recording', async () => {
  const { child, urls } = await start('--recording', 'test/fixtures/binance:20211011', '--speed', '100');
  try {
    const client = await connect(`${urls.wsUrl}/stream?streams=nknusdt@depth@100ms`);
    await client.until((f) => f.length > 0);
    const { lastUpdateId } = (await (await fetch(`${urls.restUrl}/api/v3/depth?symbol=NKNUSDT&limit=1000`)).json()) as {
      lastUpdateId: number;
    };
    assert.equal(lastUpdateId, 499869752);
    await client.until((f) => f.length === 150);
    client.close();
  } finally {
    await stop(child);
  }
});
