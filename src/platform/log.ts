/** Owner of pino: structured logs on stdout, secrets redacted whatever field they hide in. */
import { pino } from 'pino';

export type Log = pino.Logger;

/** Credentials in URLs, bot tokens in paths, bearer tokens and key-like parameters. */
const SECRETS: readonly [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]*@/gi, '$1***@'],
  [/\/bot[0-9]+:[\w-]+/g, '/bot***'],
  [/\b(bearer)\s+[\w.~+/-]+=*/gi, '$1 ***'],
  [
    /\b(password|passwd|secret|token|api[-_]?key|signature|authorization)(["']?\s*[=:]\s*["']?)[^\s"'&,}]+/gi,
    '$1$2***',
  ],
];

/** The text with everything that looks like a credential replaced by ***. */
export function redact(text: string): string {
  return SECRETS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}

/** A logger that writes one JSON object a line through `redact`. `destination` is for tests. */
export function createLog(level: string, destination: { write(line: string): void } = process.stdout): Log {
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: pino.stdSerializers.err } },
    { write: (line: string) => destination.write(redact(line)) },
  );
}
