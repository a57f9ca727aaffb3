/**
 * The project's checks: `test/run.ts all|unit|integration [part of a file name]…`. `all` begins with types, lint and
 * format. A file is a process of its own; unit tests are loaded quickly, the others as the project's processes are. A run
 * ends with its first failures again and, as the last line, the count. A missing service skips its suites with the reason.
 */
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { SETTINGS } from '../src/platform/config.ts';
import { runCommand } from './support/command.ts';
import { type Failure, failureDigest } from './support/failure-digest.ts';
import { type FileOptions, type FileResult, runTestFile } from './support/test-file.ts';
import { PROJECT, testFiles } from './support/tree.ts';

/** One more than there are cores: some files mostly wait. */
const UNIT = { jobs: availableParallelism() + 1, timeoutMs: 60_000, loader: 'quick' } as const;
/** One at a time on a small machine: these start processes and measure how they recover. */
const INTEGRATION = { jobs: availableParallelism() >= 8 ? 2 : 1, timeoutMs: 600_000, loader: 'tsx' } as const;
/** These mostly wait, for a clock or for a peer that is silent, and can do so side by side. */
const WAITING = { ...INTEGRATION, jobs: 2 };
type Lane = Pick<FileOptions, 'timeoutMs' | 'loader'> & { jobs: number };
const MOSTLY_WAIT = /test\/(path\/feeds-|ingestion\/(feed|exchanges|pipelines|capture|c2c|bronze)\/)/;

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures: Failure[] = [];
const skips = new Map<string, string>();
const required = process.env.REQUIRE_SERVICES === '1';
const abort = new AbortController();
let stopServices = async (): Promise<void> => {};

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function check(name: string, command: readonly string[]): Promise<void> {
  const { code, output, ms } = await runCommand(command, { timeoutMs: 300_000, signal: abort.signal });
  const good = code === 0;
  counts[good ? 'passed' : 'failed'] += 1;
  console.log(`${good ? '✔' : '✖'} ${name}  ${seconds(ms)}`);
  if (!good) {
    console.log(output);
    failures.push({ name, text: output });
  }
}

function tell(file: string, result: FileResult): void {
  const failed = result.outcomes.filter((o) => o.kind === 'failed' || (required && o.kind === 'skipped'));
  const skipped = result.outcomes.filter((o) => o.kind === 'skipped' && !required);
  const passed = result.outcomes.filter((o) => o.kind === 'passed');
  counts.passed += passed.length;
  counts.failed += failed.length;
  counts.skipped += skipped.length;
  const numbers = [
    `${passed.length} passed`,
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ].join(', ');
  console.log(`${failed.length > 0 ? '✖' : '✔'} ${file}  ${numbers}  ${seconds(result.ms)}`);
  for (const one of skipped) skips.set(`${file}: ${one.path.join(' › ')}`, one.text);
  for (const one of failed) {
    const name = [file, ...one.path].join(' › ');
    failures.push({ name, text: one.text });
    console.log(`  ✖ ${name}\n${one.text.replaceAll(/^/gm, '    ')}`);
  }
  if (failed.length > 0 && result.output.trim() !== '') {
    console.log(
      `  printed last:\n${result.output.trimEnd().split('\n').slice(-40).join('\n').replaceAll(/^/gm, '    ')}`,
    );
  }
}

async function runFiles(files: readonly string[], { jobs, ...options }: Lane): Promise<void> {
  const waiting = [...files];
  // settings of the caller's shell are none of the tests' business
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !Object.hasOwn(SETTINGS, name)));
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file && !abort.signal.aborted; file = waiting.shift()) {
      const result = await runTestFile(file, { ...options, env, signal: abort.signal });
      tell(relative(PROJECT, file), result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

async function main(): Promise<void> {
  const [mode = 'all', ...patterns] = process.argv.slice(2);
  if (!['all', 'unit', 'integration'].includes(mode)) {
    throw new RangeError('usage: test/run.ts all|unit|integration [part of a file name]…');
  }
  const wanted = (await testFiles()).filter((f) => patterns.length === 0 || patterns.some((p) => f.includes(p)));
  const integration = wanted.filter((f) => f.endsWith('.integration.test.ts'));
  const unit = wanted.filter((f) => !integration.includes(f));

  if (mode === 'all') {
    const bin = `${PROJECT}/node_modules`;
    await check('types', [process.execPath, `${bin}/typescript/bin/tsc`, '--noEmit']);
    await check('lint and format', [
      process.execPath,
      `${bin}/@biomejs/biome/bin/biome`,
      'check',
      '--error-on-warnings',
    ]);
  }
  if (mode !== 'integration') await runFiles(unit, UNIT);
  if (mode !== 'unit' && integration.length > 0 && !abort.signal.aborted) {
    // loaded only now: unit tests need none of the stores' libraries
    const services = await import('./support/shared-services.ts');
    stopServices = services.stopServices;
    Object.assign(process.env, await services.startServices(integration));
    const waiting = integration.filter((f) => MOSTLY_WAIT.test(f));
    await runFiles(waiting, WAITING);
    await runFiles(
      integration.filter((f) => !waiting.includes(f)),
      INTEGRATION,
    );
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // the second time there is no waiting
    if (abort.signal.aborted) process.exit(130);
    failures.push({ name: `interrupted by ${signal}`, text: '' });
    counts.failed += 1;
    abort.abort();
  });
}

try {
  await main();
} catch (error) {
  counts.failed += 1;
  failures.push({ name: 'test/run.ts', text: (error as Error).stack ?? String(error) });
} finally {
  await stopServices();
}
if (skips.size > 0) {
  console.log('\nskipped:');
  for (const [name, reason] of skips) console.log(`  ${name}\n    ${reason}`);
}
if (failures.length > 0) console.log(`\nfailed:\n${failures.map(({ name }) => `  ${name}`).join('\n')}`);
const again = failureDigest(failures);
if (again.length > 0) console.log(`\nerrors again:\n${again.join('\n')}`);
const tail = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
console.log(`\n${counts.passed} passed, ${counts.failed} failed${tail}`);
