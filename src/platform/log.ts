/** Owner of pino: structured logs on stdout, as text on a terminal, secrets redacted whatever field they hide in. */
import { pino } from 'pino';
import { textOf } from './log-text.ts';

export type Log = pino.Logger;

const NAME = '[\\w-]{0,40}(?:password|passwd|secret|token|api[-_]?key|signature|authorization|credential)s?';

const PERSON = '(?:counterPartNickName|counter_part_nick_name)';

/** Credentials in URLs, bot tokens in paths, authorization headers and whatever is named like a secret. */
const SECRETS: readonly [RegExp, string][] = [
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'\\]*@/gi, '$1***@'],
  [/\/bot[0-9]+:[\w-]+/g, '/bot***'],
  [/\b(bearer|basic)\s+[\w.~+/-]+=*/gi, '$1 ***'],
  // a field of the line; one of JSON text within a field; a parameter, header or assignment. Bare JSON numbers are none
  [new RegExp(`("${NAME}":\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'gi'), '$1"***"'],
  [new RegExp(`((\\\\{1,8}")${NAME}\\2:\\s*\\2).*?\\2`, 'gi'), '$1***$2'],
  [new RegExp(`\\b(${NAME}'?\\s*[=:]\\s*'?)[^\\s"'\\\\&,}]+`, 'gi'), '$1***'],
  // names of counterparties, likewise
  [new RegExp(`("${PERSON}":\\s*)"(?:[^"\\\\]|\\\\.)*"`, 'g'), '$1"***"'],
  [new RegExp(`((\\\\{1,8}")${PERSON}\\2:\\s*\\2).*?\\2`, 'g'), '$1***$2'],
];

/** The text with everything that looks like a credential replaced by ***. */
export function redact(text: string): string {
  return SECRETS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}

interface Destination {
  write(line: string): void;
  /** True for a terminal: somebody reads along. */
  isTTY?: boolean;
}

/** An error as it is logged: what a failed statement was given, or found, can be a whole batch, or confidential. */
function errorFields(error: Error): object {
  const { parameters, driverError, command, query, detail, where, ...fields } = pino.stdSerializers.err(error);
  return query === undefined ? fields : { ...fields, query: String(query).slice(0, 300) };
}

/**
 * A logger that writes one JSON object a line through `redact`, text on a terminal. `secrets` are texts that must not
 * appear, whatever they look like; `destination` is for tests.
 */
export function createLog(
  level: string,
  destination: Destination = process.stdout,
  secrets: readonly string[] = [],
): Log {
  const spell = destination.isTTY ? textOf : (line: string) => line;
  // as JSON writes them
  const known = secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
  const clean = (line: string): string => redact(known.reduce((text, secret) => text.replaceAll(secret, '***'), line));
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: errorFields } },
    { write: (line: string) => destination.write(spell(clean(line))) },
  );
}
