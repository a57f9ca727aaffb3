/**
 * `npm run bench:fanout [-- --quick] [--only=text] [--rounds=n] [--json=file]`: what one subscriber more costs, beside
 * other servers in the same run. See bench/README.md.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES, SERVERS, type ServerName } from './cases.ts';
import { failed, measure, type Programs, type Row } from './measure.ts';
import { markdown, medians, verdicts } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    json: { type: 'string', default: '' },
  },
});
const HERE = fileURLToPath(new URL('.', import.meta.url));
const PEERS = fileURLToPath(new URL('../peers', import.meta.url));
const rounds = Number(flags.rounds ?? 1);
const seconds = Number(flags.seconds ?? (flags.quick ? 2 : 3));

/** Left out of the short run. */
const IN_FULL: readonly ServerName[] = ['mercurius', 'yoga'];

function installPeers(): void {
  if (existsSync(join(PEERS, 'node_modules'))) return;
  console.error('installing the peers into bench/peers');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: PEERS, stdio: ['ignore', 2, 2] });
}

function build(folder: string): Programs {
  const compile = (name: string): string => {
    const program = join(folder, name);
    execFileSync('cc', ['-O2', '-o', program, join(HERE, `${name}.c`)], { stdio: ['ignore', 2, 2] });
    return program;
  };
  return { floor: compile('floor'), generator: compile('generator') };
}

if (availableParallelism() < 2) throw new Error('needs two cores: one for the server, one for the generator');
installPeers();
const folder = mkdtempSync(join(tmpdir(), 'tickgraph-bench-'));
const rows: Row[] = [];
try {
  const programs = build(folder);
  const cases = CASES.filter((one) => (flags.quick ? one.quick : true) && one.name.includes(flags.only));
  for (let round = 0; round < rounds; round++) {
    // what disturbs the machine for a while then meets others
    const order = round % 2 === 0 ? cases : cases.toReversed();
    for (const load of order) {
      const servers = SERVERS.filter(
        ({ name }) => load.servers.includes(name) && !(flags.quick && IN_FULL.includes(name)),
      );
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        try {
          const row = await measure(server, load, seconds, programs);
          rows.push(row);
          const { cpu, user, rate, p99, generator } = row;
          const figures = `${cpu} µs/msg (${user}), ${rate} msg/s, p99 ${p99} ms, generator ${generator}`;
          console.error(`${load.name}: ${server.label}: ${figures}${row.void ? ` VOID ${row.void}` : ''}`);
        } catch (error) {
          rows.push(failed(server, load, error as Error));
          console.error(`${load.name}: ${server.label}: ${(error as Error).message}`);
        }
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const found = medians(rows);
const machine = `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus()[0]?.model.trim()}`;
console.log(`${machine}, medians of ${rounds}\n\n${markdown(found)}`);
if (flags.json)
  writeFileSync(flags.json, JSON.stringify({ machine, rounds, rows: found, aims: verdicts(found), all: rows }));
