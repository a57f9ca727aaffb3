/** Which errors of a batch are the surroundings' and pass, and which are the data's and stay. */

const UNAVAILABLE = new Set(['BrokerUnavailable', 'PostgresUnavailable', 'LiveStoreUnavailable']);
/** SQLSTATE 42: a table, column or right is missing; 3D, 3F: the database or schema. An operator can cure that, a dead letter can't. */
const OPERATOR = /^(42|3D|3F)[0-9A-Z]{3}$/;

/** True where the same batch may succeed later. */
export function isRetryable(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: unknown };
  return UNAVAILABLE.has(name ?? '') || (typeof code === 'string' && OPERATOR.test(code));
}
