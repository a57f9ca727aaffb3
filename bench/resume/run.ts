/**
 * `npm run bench:resume [-- --sockets=10000] [--json=file]`: how long until everybody is live again whose connection was cut
 * at the same moment, and what that costs the live store. See bench/README.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { startRedis, type TestRedis } from '../../test/support/redis.ts';
import { Program } from '../fanout/program.ts';

const { values: flags } = parseArgs({
  options: { sockets: { type: 'string', default: '10000' }, json: { type: 'string', default: '' } },
});
const most = Number(flags.sockets);
const BOUND_S = 60;
const EVENTS_A_SECOND = 5;
const QUERY =
  'subscription K($s:String!$a:Cursor){klineUpdated(exchange:BINANCE,symbol:$s,after:$a){cursor start kline{symbol volume}}}';
const SETTLE_MS = 3_000;
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
/** Commands of Redis that read; appends go on meanwhile and are no part of it. */
const READS = ['xrange', 'xrevrange', 'get', 'mget', 'hget', 'hmget', 'hgetall'];

interface Storm {
  sockets: number;
  seconds: number;
  resumed: number;
  reset: number;
  refused: number;
  /** Commands that read, as Redis counts them, beyond those that following the stream costs anyway. */
  reads: number;
}

/** Commands that read since the last RESETSTAT. */
async function readsOf(redis: TestRedis): Promise<number> {
  const text = String(await redis.command('INFO', 'commandstats'));
  const calls = [...text.matchAll(/cmdstat_([^:]+):calls=([0-9]+)/g)];
  return calls.reduce((sum, [, name = '', n]) => sum + (READS.includes(name) ? Number(n) : 0), 0);
}

async function storm(sockets: number, generatorPath: string): Promise<Storm> {
  const redis = await startRedis();
  const port = await freePort();
  const env = {
    ...process.env,
    PORT: String(port),
    REDIS_URL: redis.url,
    MAX_SOCKETS: '20000',
    NODE_ENV: 'production',
  };
  const script = fileURLToPath(new URL('server.ts', import.meta.url));
  const server = new Program(0, process.execPath, ['--no-warnings', '--import', 'tsx', script], env);
  let generator: Program | undefined;
  try {
    await server.answer(180_000);
    server.tell(`start ${EVENTS_A_SECOND} 1 1`);
    generator = new Program(1, generatorPath, [port, sockets, 1, 0, QUERY].map(String), env);
    await generator.answer(180_000);
    // everybody has a cursor
    await sleep(SETTLE_MS);
    await redis.command('CONFIG', 'RESETSTAT');
    await sleep(SETTLE_MS);
    const usual = ((await readsOf(redis)) / SETTLE_MS) * 1_000;
    await redis.command('CONFIG', 'RESETSTAT');
    generator.tell('c');
    const back = await generator.numbers(undefined, 2 * BOUND_S * 1_000);
    const counted = await readsOf(redis);
    const { seconds = 0, resumed = 0, reset = 0, refused = 0 } = back;
    const reads = Math.max(0, Math.round(counted - usual * seconds));
    return { sockets, seconds, resumed, reset, refused, reads };
  } finally {
    await generator?.end();
    await server.end();
    await redis.stop();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tickgraph-bench-'));
try {
  const generator = join(folder, 'generator');
  const source = fileURLToPath(new URL('../fanout/generator.c', import.meta.url));
  execFileSync('cc', ['-O2', '-o', generator, source], { stdio: ['ignore', 2, 2] });
  const storms = [await storm(1, generator), await storm(most, generator)];
  console.log('| clients cut | live again after s | resumed | reset | refused at first | reads of the store |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const { sockets, seconds, resumed, reset, refused, reads } of storms) {
    console.log(`| ${sockets} | ${seconds} | ${resumed} | ${reset} | ${refused} | ${reads} |`);
  }
  if (flags.json) writeFileSync(flags.json, JSON.stringify(storms));
  if (storms.some(({ seconds, sockets, resumed }) => seconds > BOUND_S || resumed < sockets)) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
