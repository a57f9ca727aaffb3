/** Runs one test file in a process of its own and reads what its reporter wrote. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand } from './command.ts';
import type { TestOutcome } from './report.ts';
import { PROJECT } from './tree.ts';

export interface FileResult {
  outcomes: TestOutcome[];
  /** What the file itself printed. */
  output: string;
  ms: number;
}

/** What makes JavaScript of a test file: a module that is imported before it. */
export const LOADERS = {
  /** As the processes themselves are loaded. */
  tsx: 'tsx',
  /** In half the time. */
  quick: pathToFileURL(join(PROJECT, 'test/support/quick-load.ts')).href,
} as const;

export interface FileOptions {
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  loader?: keyof typeof LOADERS;
  signal?: AbortSignal;
}

/**
 * The outcomes of every test in `file`. A file that ends badly with no failed test, runs over its time or declares no
 * test is itself one failed outcome.
 */
export async function runTestFile(
  file: string,
  { env, timeoutMs, loader = 'tsx', signal }: FileOptions,
): Promise<FileResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tickgraph-test-'));
  const lines = join(folder, 'outcomes');
  try {
    const reporter = pathToFileURL(join(PROJECT, 'test/support/report.ts')).href;
    const { code, timedOut, output, ms } = await runCommand(
      [
        process.execPath,
        '--import',
        LOADERS[loader],
        `--test-reporter=${reporter}`,
        `--test-reporter-destination=${lines}`,
        file,
      ],
      // a runner of node:test above us must not take the child's outcomes
      { env: { ...env, NODE_ENV: 'test', NODE_TEST_CONTEXT: undefined }, cwd: PROJECT, timeoutMs, signal },
    );
    const text = await readFile(lines, 'utf8').catch(() => '');
    // a killed process leaves half a line
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const outcomes = whole
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as TestOutcome);
    const problem = timedOut
      ? `did not end within ${timeoutMs / 1000} s`
      : code !== 0 && !outcomes.some((o) => o.kind === 'failed')
        ? `ended with code ${code}`
        : outcomes.length === 0
          ? 'declares no test'
          : null;
    if (problem) outcomes.push({ path: [], kind: 'failed', suite: false, ms, text: problem });
    return { outcomes, output, ms };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
