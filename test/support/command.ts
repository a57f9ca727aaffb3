/** Runs a program with everything it starts in a process group of its own, so that nothing outlives its bound. */
import { spawn } from 'node:child_process';

/** How long a group may take to end after SIGTERM. */
const GRACE_MS = 5_000;
const MAX_OUTPUT = 200_000;

export interface CommandOptions {
  timeoutMs: number;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal;
}

export interface CommandResult {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  timedOut: boolean;
  /** Standard output and error, in the order they came; the last 200,000 characters. */
  output: string;
  ms: number;
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Runs `command` to its end, its bound or the abort. Rejects only when it can't be started. */
export function runCommand(
  command: readonly string[],
  { timeoutMs, env, cwd, signal }: CommandOptions,
): Promise<CommandResult> {
  const [program = '', ...args] = command;
  const began = performance.now();
  const child = spawn(program, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const pid = child.pid ?? 0;
  let output = '';
  let timedOut = false;
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-MAX_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);

  let force: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(pid, 'SIGTERM');
    force = setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS);
  };
  const bound = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end, { once: true });
  const reap = (): void => void (pid && signalGroup(pid, 'SIGKILL'));
  process.once('exit', reap);

  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => {
      clearTimeout(bound);
      clearTimeout(force);
      signal?.removeEventListener('abort', end);
      process.off('exit', reap);
      // whatever it left behind in its group
      signalGroup(pid, 'SIGKILL');
      // the pipes' last words
      setTimeout(() => done({ code, timedOut, output, ms: performance.now() - began }), 20);
    });
  });
}
