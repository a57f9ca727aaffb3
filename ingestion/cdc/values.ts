/**
 * Values of a row as Kafka Connect and Debezium encode them → as they are kept and shown. What a value is, its schema says
 * where the envelope has one, else the table's declaration, else the value itself.
 * https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-data-types
 */
import { createHash } from 'node:crypto';
import type { ColumnKind } from '../../schema/cdc.ts';
import { decimal, isDecimal } from '../../schema/decimal.ts';
import { BadMessage } from '../../schema/topics.ts';
import { dayOf, instantBySize, instantOf, instantOfText, timeOfDay } from './times.ts';

/** The schema of a value, of which only this is looked at. */
export interface Connect {
  field?: string;
  name?: string;
  type?: string;
  parameters?: Record<string, unknown>;
  fields?: Connect[];
}

/** In place of a value that was not sent because the change left it as it was (TOAST). */
export const UNAVAILABLE = '__debezium_unavailable_value';
const UNAVAILABLE_BYTES = Buffer.from(UNAVAILABLE).toString('base64');
const UNAVAILABLE_ARRAY = JSON.stringify([...Buffer.from(UNAVAILABLE)]);
/** As Java's UUID.nameUUIDFromBytes makes it, for arrays of UUIDs. */
const UNAVAILABLE_UUID = (() => {
  const bytes = createHash('md5').update(UNAVAILABLE).digest();
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x30;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
})();
const PLACEHOLDERS: readonly unknown[] = [UNAVAILABLE, UNAVAILABLE_BYTES, UNAVAILABLE_UUID];

/** Deeper than any row is; what is deeper can't be written down again. */
const MAX_DEPTH = 32;
const MAX_DECIMAL_BYTES = 512;
const MAX_SCALE = 1_000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function bad(path: string, what: string): never {
  throw new BadMessage(`${path}: ${what}`);
}

/** True for the placeholder in any of its spellings, wherever in the value it is. Throws BadMessage for what PostgreSQL can't hold. */
export function isUnavailable(value: unknown, path: string, depth = 0): boolean {
  if (depth > MAX_DEPTH) bad(path, 'nested too deep');
  if (typeof value === 'string') {
    if (value.includes('\u0000') || !value.isWellFormed()) bad(path, 'text that is none');
    return PLACEHOLDERS.includes(value);
  }
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) && JSON.stringify(value) === UNAVAILABLE_ARRAY) return true;
  let found = false;
  for (const [name, one] of Object.entries(value)) {
    // looked at to the end, for what can't be held
    if (isUnavailable(name, path) || isUnavailable(one, path, depth + 1)) found = true;
  }
  return found;
}

/** A whole number as JSON has it, or as text where it is past 2^53. */
export function wholeNumber(value: unknown): bigint | null {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === 'string' && /^-?[0-9]{1,30}$/.test(value) ? BigInt(value) : null;
}

/** Two's complement, big end first, in base64, with so many digits behind the point. */
function decimalOfBytes(base64: unknown, scale: unknown, path: string): string {
  const digits = typeof scale === 'string' && /^-?[0-9]{1,4}$/.test(scale) ? Number(scale) : scale;
  if (typeof digits !== 'number' || !Number.isInteger(digits) || Math.abs(digits) > MAX_SCALE) {
    return bad(path, 'a decimal without a scale');
  }
  if (typeof base64 !== 'string' || base64 === '' || !BASE64.test(base64)) return bad(path, 'not a decimal in base64');
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length > MAX_DECIMAL_BYTES) return bad(path, 'a decimal of too many digits');
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  if (digits <= 0) return String(unscaled * 10n ** BigInt(-digits));
  const sign = unscaled < 0n ? '-' : '';
  const text = String(unscaled < 0n ? -unscaled : unscaled).padStart(digits + 1, '0');
  const fraction = text.slice(-digits).replace(/0+$/, '');
  return `${sign}${text.slice(0, -digits)}${fraction && `.${fraction}`}`;
}

/** {scale, value}: how Debezium writes a numeric without precision in its default mode. */
function isVariableScale(value: unknown): value is { scale: unknown; value: unknown } {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value).sort().join() : '';
  return keys === 'scale,value';
}

type Spell = (value: unknown, schema: Connect, path: string) => unknown;

const counted =
  (spell: (count: bigint) => string | null): Spell =>
  (value, _, path) => {
    const count = wholeNumber(value);
    if (count === null) return bad(path, 'not a count of time');
    // infinity and what is past the calendar: as it was said
    return spell(count) ?? String(count);
  };
const instant: Spell = (value, _, path) =>
  typeof value === 'string' ? (instantOfText(value) ?? value) : bad(path, 'not an instant');

/** By the name of the schema; any other value is taken as it is. */
const LOGICAL = new Map<unknown, Spell>(
  Object.entries({
    'org.apache.kafka.connect.data.Decimal': (value, { parameters }, path) =>
      decimalOfBytes(value, parameters?.scale, path),
    'io.debezium.data.VariableScaleDecimal': (value, _, path) =>
      isVariableScale(value) ? decimalOfBytes(value.value, value.scale, path) : bad(path, 'not a decimal'),
    'org.apache.kafka.connect.data.Timestamp': counted((count) => instantOf(count, 'ms')),
    'io.debezium.time.Timestamp': counted((count) => instantOf(count, 'ms')),
    'io.debezium.time.MicroTimestamp': counted((count) => instantOf(count, 'us')),
    'io.debezium.time.NanoTimestamp': counted((count) => instantOf(count, 'ns')),
    'io.debezium.time.ZonedTimestamp': instant,
    'io.debezium.time.IsoTimestamp': instant,
    'org.apache.kafka.connect.data.Date': counted(dayOf),
    'io.debezium.time.Date': counted(dayOf),
    'org.apache.kafka.connect.data.Time': counted((count) => timeOfDay(count, 'ms')),
    'io.debezium.time.Time': counted((count) => timeOfDay(count, 'ms')),
    'io.debezium.time.MicroTime': counted((count) => timeOfDay(count, 'us')),
    'io.debezium.time.NanoTime': counted((count) => timeOfDay(count, 'ns')),
  } satisfies Record<string, Spell>),
);

/** By the table's declaration. */
const DECLARED: Readonly<Record<ColumnKind, (value: unknown, path: string) => unknown>> = {
  text: (value, path) => (typeof value === 'string' ? value : bad(path, 'not text')),
  integer: (value, path) => (wholeNumber(value) === null ? bad(path, 'not a whole number') : value),
  decimal(value, path) {
    if (isVariableScale(value)) return decimalOfBytes(value.value, value.scale, path);
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && isDecimal(text) ? decimal(text) : bad(path, 'not a decimal');
  },
  time(value, path) {
    const count = wholeNumber(value);
    const text = count === null ? null : instantBySize(count);
    return text ?? (typeof value === 'string' ? instantOfText(value) : null) ?? bad(path, 'not an instant');
  },
};

/** A value that is there. Throws BadMessage where it is not of its type; the reason names the column and never the value. */
export function spellValue(
  value: unknown,
  schema: Connect | undefined,
  kind: ColumnKind | undefined,
  path: string,
): unknown {
  if (value === null) return null;
  const logical = LOGICAL.get(schema?.name);
  const spelled = logical ? logical(value, schema as Connect, path) : value;
  if (kind) return DECLARED[kind](spelled, path);
  return !logical && isVariableScale(spelled) ? decimalOfBytes(spelled.value, spelled.scale, path) : spelled;
}

/** What a NOT NULL column holds where its value was not logged; null stands for the others. */
const TYPE_DEFAULTS: readonly unknown[] = [
  ...[null, '', '0', 0, false, '1970-01-01T00:00:00.000Z', '1970-01-01', '00:00:00', '00:00:00Z'],
];

/** True for what stands in an old row for a value that was not logged (REPLICA IDENTITY other than FULL). */
export function isTypeDefault(value: unknown): boolean {
  return TYPE_DEFAULTS.includes(value);
}
