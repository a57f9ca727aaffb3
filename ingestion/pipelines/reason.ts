/** Why a task failed, as it is kept and shown to whoever may see the runs: no secrets, nothing of anybody's data. */
import { secretsOf } from '../../src/platform/config.ts';
import { redact } from '../../src/platform/log.ts';
import type { Platform } from '../../src/platform/platform.ts';

/** Bound on a reason. */
const LENGTH = 300;
/** Their messages quote what they were given. */
const QUOTING = new Set([
  'SyntaxError',
  'TypeError',
  'RangeError',
  'ZodError',
  'QueryFailedError',
  'DatabaseError',
  'Error',
]);
/** Texts of a process that ended before its task did. */
export const INTERRUPTED = 'interrupted: its process ended or stalled';

/** One line; of errors that quote data only the kind (and the SQLSTATE). The log has the whole error. */
export function reasonOf(error: unknown, { config }: Pick<Platform, 'config'>): string {
  if (!(error instanceof Error)) return 'unknown';
  const { name, message } = error;
  const { code } = error as { code?: unknown };
  if (QUOTING.has(name) || (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))) {
    return typeof code === 'string' ? `${name} ${code}` : name;
  }
  const known = secretsOf(config).reduce((text, secret) => text.replaceAll(secret, '***'), message);
  return `${name === 'TaskFailed' ? '' : `${name}: `}${redact(known)}`.replaceAll(/\s+/g, ' ').slice(0, LENGTH);
}
