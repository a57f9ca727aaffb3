/** How every process of ours begins and ends: settings, signals, ordered stop, exit code. */
import { type Config, ConfigError, readConfig, type SettingName, secretsOf } from './config.ts';
import { createLog, type Log } from './log.ts';
import type { Running } from './platform.ts';

/** An orderly stop that takes longer is cut off. */
const STOP_MS = 4_500;
/** How often a process that npm started looks whether npm is still there. */
const PARENT_MS = 500;

export interface Process {
  config: Config;
  log: Log;
  /** Ends the process with exit code 1: it can't do its work any more and must be started anew. */
  fatal(error: Error): void;
  /** Ends the process in order, with this exit code: its work is done. */
  end(code: number): void;
}

/**
 * A signal that npm gets alone (`kill`, a supervisor) ends npm and its shell and never comes here: the process would go on,
 * known to nobody, with the port and the database. So one that npm started ends with its parent.
 */
function endWithParent(end: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || end(), PARENT_MS).unref();
}

/**
 * Runs `start` until SIGINT, SIGTERM or SIGHUP, then stops what it returned. A wrong setting ends in exit code 1 with every
 * problem on its own line; any other failure is logged. `required` names the settings this role can't do without.
 */
export async function runProcess(
  required: readonly SettingName[],
  start: (process: Process) => Promise<Running>,
): Promise<void> {
  let running: Running | undefined;
  let log = createLog('info');
  let ending = false;

  async function end(code: number): Promise<void> {
    if (ending) return;
    ending = true;
    const cut = setTimeout(() => {
      log.error('stop took too long');
      process.exit(code || 1);
    }, STOP_MS);
    try {
      await running?.stop();
      log.info('stopped');
    } catch (error) {
      log.error({ err: error }, 'stop failed');
      code ||= 1;
    }
    clearTimeout(cut);
    process.exit(code);
  }

  function fail(error: unknown): void {
    if (error instanceof ConfigError) {
      process.stderr.write(`Settings are wrong:\n${error.problems.map((p) => `  ${p}`).join('\n')}\n`);
    } else {
      log.fatal({ err: error }, 'ended');
    }
    void end(1);
  }

  // SIGHUP: the terminal was closed
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
  endWithParent(() => void end(0));
  // nobody reads any more; what runs goes on, and an ordered stop stays one
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  try {
    const config = readConfig(process.env, required);
    log = createLog(config.LOG_LEVEL, process.stdout, secretsOf(config));
    running = await start({ config, log, fatal: fail, end: (code) => void end(code) });
    // a signal that came while starting found nothing to stop
    if (ending) await running.stop();
  } catch (error) {
    fail(error);
  }
}

/** The parts as one: stopped in reverse order of the list, each even when another's stop fails. */
export function together(parts: readonly Running[]): Running {
  return {
    async stop() {
      const errors: unknown[] = [];
      for (const part of parts.toReversed()) await part.stop().catch((error) => errors.push(error));
      if (errors.length > 0) throw new AggregateError(errors, 'parts did not stop cleanly');
    },
  };
}
