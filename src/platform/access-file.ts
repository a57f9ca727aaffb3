/**
 * ACCESS_TOKENS_FILE: tokens that can be given and taken back while the process runs. One a line, `token:role`, then
 * optionally the instant from which on it is void; `#` begins a comment. Content that is wrong changes nothing.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConfigError } from './config.ts';
import type { Log } from './log.ts';
import { metrics } from './metrics.ts';
import type { Running } from './platform.ts';
import type { AccessToken } from './setting.ts';
import { accessToken } from './setting.ts';

export interface AccessFile extends Running {
  /** The tokens of the newest usable content; those that have expired are among them. */
  readonly tokens: readonly AccessToken[];
}

/** How often the file is looked at. */
const EVERY_MS = 1_000;
/** Content that stays wrong is told again this often. */
const REMIND_MS = 60_000;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;

/** The tokens in a file's text. Throws ConfigError with every problem by its line; never a token in it. */
export function parseAccessFile(text: string): AccessToken[] {
  const problems: string[] = [];
  const tokens = new Map<string, AccessToken>();
  for (const [i, line] of text.split('\n').entries()) {
    const [entry, until, rest] = line
      .replace(/(^|\s)#.*/, '')
      .trim()
      .split(/\s+/);
    if (!entry) continue;
    const problem = (what: string): void => void problems.push(`ACCESS_TOKENS_FILE: line ${i + 1}: ${what}`);
    try {
      const token = accessToken(entry);
      const expiresAt = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
      if (rest !== undefined) problem('must be token:role, and at most one instant after it');
      else if (Number.isNaN(expiresAt) || (until && !INSTANT.test(until))) {
        problem('the instant must look like 2026-01-31T12:00:00Z');
      } else if (tokens.has(token.token)) problem('this token is in the file twice');
      else tokens.set(token.token, { ...token, expiresAt });
    } catch (error) {
      problem((error as Error).message);
    }
  }
  // half a file must not lock everybody out
  if (tokens.size === 0 && problems.length === 0) problems.push('ACCESS_TOKENS_FILE: holds no token');
  if (problems.length > 0) throw new ConfigError(problems);
  return [...tokens.values()];
}

/**
 * Reads the file now and whenever it has changed. Throws ConfigError where it can't be read or is wrong at the start; later
 * the tokens before stay, and the log and a metric say so as long as it lasts.
 */
export function openAccessFile(path: string, log: Log): AccessFile {
  let known = '';
  let toldAt = Number.NEGATIVE_INFINITY;
  let told = '';
  const unreadable = (error: unknown): ConfigError =>
    new ConfigError([`ACCESS_TOKENS_FILE: can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`]);

  try {
    known = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(error);
  }
  let tokens = parseAccessFile(known);
  metrics.accessFileBad.set(0);

  function keep(error: unknown): void {
    metrics.accessFileBad.set(1);
    const problems = error instanceof ConfigError ? error.problems : [String(error)];
    const text = problems.join('\n');
    if (text === told && performance.now() - toldAt < REMIND_MS) return;
    told = text;
    toldAt = performance.now();
    log.error({ problems }, 'the file of access tokens is unusable: the tokens before stay valid');
  }

  let looking = false;
  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      const text = await readFile(path, 'utf8').catch((error) => {
        throw unreadable(error);
      });
      if (text === known && told === '') return;
      const next = parseAccessFile(text);
      known = text;
      tokens = next;
      told = '';
      metrics.accessFileBad.set(0);
      log.info({ count: next.length }, 'access tokens read anew');
    } catch (error) {
      keep(error);
    } finally {
      looking = false;
    }
  }

  // small, and read whole: no size or time of change says for sure that it is the same
  const timer = setInterval(() => void look(), EVERY_MS).unref();
  return {
    get tokens() {
      return tokens;
    },
    async stop() {
      clearInterval(timer);
    },
  };
}
