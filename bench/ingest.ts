/**
 * `npm run bench:ingest [-- --quick] [--profile] [--only=limits,real,embedded] [--json=FILE]`: from frame to committed rows
 * and live keys. With real Kafka, Redis and PostgreSQL beside the bare clients' limits, and embedded; and how it grows from
 * 10 to 2,000 markets. See bench/README.md.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MIGRATIONS } from '../migrations/index.ts';
import { openPostgres } from '../src/platform/postgres/postgres.ts';
import { startKafka } from '../test/support/kafka.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { startRedis } from '../test/support/redis.ts';
import type { Limit, LimitOptions } from './ingest/limits.ts';
import type { PathOptions, PathReport } from './ingest/path.ts';
import { type ProfileSummary, summarise } from './ingest/profile.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    only: { type: 'string', default: 'limits,real,embedded' },
    json: { type: 'string' },
  },
});
const SIZES = flags.quick ? [10, 2_000] : [10, 100, 500, 2_000];
const FRAMES = flags.quick ? 30_000 : 100_000;
const ROUNDS = flags.quick ? 2 : 3;
/** Old space of the measured process: 2,000 markets hold their books twice, as the feed and as the worker folds them. */
const NODE_FLAGS = ['--expose-gc', '--max-old-space-size=6144', '--import', 'tsx'];

type Mode = 'real' | 'embedded';
interface Stores {
  env: Record<string, string>;
  pids: Record<string, number>;
  stop(): Promise<void>;
}

/** Stores of one configuration's own: nothing of another run is in them. */
async function startStores(mode: Mode): Promise<Stores> {
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop();
  };
  try {
    const postgres = await startPostgres();
    started.push(postgres);
    if (mode === 'embedded') return { env: { DATABASE_URL: postgres.url }, pids: { postgres: postgres.pid }, stop };
    const redis = await startRedis();
    started.push(redis);
    const kafka = await startKafka();
    started.push(kafka);
    return {
      env: { DATABASE_URL: postgres.url, REDIS_URL: redis.url, KAFKA_BROKERS: kafka.brokers.join(',') },
      pids: { postgres: postgres.pid, redis: redis.pid, kafka: kafka.pid },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a script of bench/ingest in a process of its own; resolves with what it says. */
function run<T>(script: string, options: PathOptions | LimitOptions, env: Record<string, string>): Promise<T> {
  const file = fileURLToPath(new URL(`./ingest/${script}`, import.meta.url));
  const child = spawn(process.execPath, [...NODE_FLAGS, file, JSON.stringify(options)], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`${script} ended with code ${code}`));
      else resolve(JSON.parse(said.trim().split('\n').at(-1) ?? '') as T);
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Medians over rounds of one thing measured. */
interface Figures {
  perSecond: number;
  /** A second of CPU of the measured process. */
  perCpuSecond: number;
  micros: number;
  otherMicros: Record<string, number>;
}

type Round = Pick<Limit, 'wallSeconds' | 'cpuSeconds' | 'otherCpuSeconds'>;
function figures(rounds: readonly Round[], messages: number): Figures {
  const micros = median(rounds.map((r) => (r.cpuSeconds / messages) * 1e6));
  const names = Object.keys(rounds[0]?.otherCpuSeconds ?? {});
  return {
    perSecond: median(rounds.map((r) => messages / r.wallSeconds)),
    perCpuSecond: 1e6 / micros,
    micros,
    otherMicros: Object.fromEntries(
      names.map((name) => [name, median(rounds.map((r) => ((r.otherCpuSeconds[name] ?? 0) / messages) * 1e6))]),
    ),
  };
}

const round = (value: number): string => Math.round(value).toLocaleString('en');
function row(name: string, { perSecond, perCpuSecond, micros, otherMicros }: Figures): string {
  const others = Object.entries(otherMicros).map(([store, us]) => `${store} ${us.toFixed(1)}`);
  return `| ${name} | ${round(perSecond)} | ${micros.toFixed(1)} | ${round(perCpuSecond)} | ${others.join(', ')} |`;
}
const HEAD = [
  '| | messages/s | our CPU, µs a message | messages a CPU second | stores, CPU µs a message |',
  '|---|---|---|---|---|',
];

async function limits(): Promise<Record<string, Figures>> {
  const stores = await startStores('real');
  try {
    const url = stores.env.DATABASE_URL ?? '';
    const postgres = await openPostgres({ url, pool: 1, timeoutMs: 20_000, migrations: MIGRATIONS });
    await postgres.migrate();
    await postgres.close();
    const rounds: { messages: number; limits: Limit[] }[] = [];
    // the first warms the stores up
    for (let i = 0; i <= ROUNDS; i++) {
      rounds.push(await run('limits.ts', { frames: FRAMES, others: stores.pids }, stores.env));
    }
    const [first, ...measured] = rounds;
    return Object.fromEntries(
      (first?.limits ?? []).map(({ name }, i) => [
        name,
        figures(
          measured.flatMap((r) => r.limits[i] ?? []),
          first?.messages ?? 1,
        ),
      ]),
    );
  } finally {
    await stores.stop();
  }
}

interface PathResult extends Figures {
  mode: Mode;
  markets: number;
  rssMegabytes: number;
  bytesPerFrame: number;
  profile?: ProfileSummary;
}

async function path(mode: Mode, markets: number, folder: string): Promise<PathResult> {
  const stores = await startStores(mode);
  try {
    const profile = flags.profile ? join(folder, `${mode}-${markets}.cpuprofile`) : undefined;
    const options: PathOptions = { markets, rounds: ROUNDS, frames: FRAMES, others: stores.pids, profile };
    const report = await run<PathReport>('path.ts', options, stores.env);
    return {
      ...{ mode, markets, ...figures(report.rounds, report.rounds[0]?.frames ?? 1) },
      ...{ rssMegabytes: report.rssBytes / 1e6, bytesPerFrame: report.bytesPerFrame },
      profile: profile ? await summarise(profile) : undefined,
    };
  } finally {
    await stores.stop();
  }
}

function tellProfile({ mode, markets, profile }: PathResult): void {
  if (!profile) return;
  const list = (shares: ProfileSummary['parts'], n: number): string =>
    shares
      .slice(0, n)
      .map(({ name, share }) => `  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`)
      .join('\n');
  console.log(`\n${mode}, ${markets} markets: CPU of our process by part\n${list(profile.parts, 16)}`);
  console.log(`by function\n${list(profile.functions, 20)}`);
}

/** The limit that is the clients' part of the whole path, not one thing done once. */
const SAME_CALLS = 'the same calls, bare';
const wanted = flags.only.split(',');
const folder = await mkdtemp(join(tmpdir(), 'tickgraph-bench-'));
const began = performance.now();
console.log(`Node ${process.versions.node}, ${availableParallelism()} x ${cpus()[0]?.model.trim()}`);
console.log(`${ROUNDS} rounds of ${round(FRAMES)} frames; 70 % depth, 25 % trades, 5 % candles and tickers\n`);
console.log(HEAD.join('\n'));
const results: PathResult[] = [];
let bounds: Record<string, Figures> = {};
try {
  if (wanted.includes('limits')) {
    bounds = await limits();
    for (const [name, one] of Object.entries(bounds)) console.log(row(name, one));
  }
  for (const mode of ['real', 'embedded'] as const) {
    for (const markets of wanted.includes(mode) ? SIZES : []) {
      const result = await path(mode, markets, folder);
      results.push(result);
      console.log(row(`${mode}, ${round(markets)} markets (${round(result.rssMegabytes)} MB)`, result));
    }
  }
} finally {
  if (!flags.profile) await rm(folder, { recursive: true, force: true });
}
const real = results.find((r) => r.mode === 'real');
const all = Object.entries(bounds);
if (real && all.length > 0) {
  console.log(`\nreal, ${real.markets} markets, against each limit (messages a CPU second / messages/s):`);
  for (const [name, one] of all) {
    const ratios = [real.perCpuSecond / one.perCpuSecond, real.perSecond / one.perSecond];
    console.log(`  ${name}: ${ratios.map((r) => r.toFixed(2)).join(' / ')}`);
  }
  const once = all.filter(([name]) => name !== SAME_CALLS);
  const together = once.reduce((sum, [, one]) => sum + one.micros, 0);
  console.log(
    `  the first three one after the other (${together.toFixed(1)} µs): ${(together / real.micros).toFixed(2)}`,
  );
}
for (const result of results) tellProfile(result);
if (flags.profile) console.log(`\nprofiles: ${folder}`);
if (flags.json) await writeFile(flags.json, `${JSON.stringify({ bounds, results }, null, 2)}\n`);
console.log(`\ntook ${round((performance.now() - began) / 1_000)} s`);
