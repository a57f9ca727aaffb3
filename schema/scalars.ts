/** The scalars of the API. What they parse is checked strictly: a value that is nearly right is refused with the reason. */
import { type GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { type Cursor as CursorValue, decodeCursor } from './cursor.ts';
import { decimal, isDecimal } from './decimal.ts';
import { clientError } from './errors.ts';

// RFC 3339 with at most milliseconds; https://www.rfc-editor.org/rfc/rfc3339#section-5.6
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

function refusal(name: string, expected: string): GraphQLError {
  return clientError('BAD_USER_INPUT', `${name}: must be ${expected}`);
}

/** A scalar whose input is text, or what `literal` makes text of. `parse` returns undefined for what it refuses. */
function textScalar<Value>(options: {
  name: string;
  description: string;
  expected: string;
  specifiedByURL?: string;
  /** Number literals and JSON numbers that are taken as well. */
  integers?: boolean;
  parse(text: string): Value | undefined;
  serialize(value: unknown): string;
}): GraphQLScalarType<Value, string> {
  const { name, description, expected, integers = false, specifiedByURL } = options;
  const take = (text: string): Value => {
    const value = options.parse(text);
    if (value === undefined) throw refusal(name, expected);
    return value;
  };
  return new GraphQLScalarType<Value, string>({
    name,
    description,
    specifiedByURL,
    serialize: options.serialize,
    parseValue(input) {
      if (typeof input === 'string') return take(input);
      // above 2^53 the digits are gone already
      if (integers && Number.isSafeInteger(input)) return take(String(input));
      throw refusal(name, expected);
    },
    parseLiteral(node: ValueNode) {
      if (node.kind === Kind.STRING || (integers && node.kind === Kind.INT)) return take(node.value);
      throw refusal(name, expected);
    },
  });
}

/** True for a day that exists in the calendar, of a year that PostgreSQL knows too: it has no year 0. */
function isDay(text: string): boolean {
  if (!DAY.test(text) || text.startsWith('0000')) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** True for instants of the years 1 to 9999 in UTC, which have four digits everywhere. */
function isInstant(time: number): boolean {
  return time >= -62_135_596_800_000 && time <= 253_402_300_799_999;
}

function isoInstant(time: number): string {
  if (!isInstant(time)) throw new RangeError(`not an instant: ${time}`);
  return new Date(time).toISOString();
}

export const Decimal = textScalar<string>({
  name: 'Decimal',
  description:
    'Exact decimal number carried as a string in plain notation without superfluous zeros, e.g. "67012.34". Never a float. Input may also be a whole number.',
  expected: 'a decimal number in a string, e.g. "67012.34"',
  integers: true,
  parse: (text) => (isDecimal(text) ? decimal(text) : undefined),
  serialize(value) {
    if (typeof value !== 'string') throw new TypeError('Decimal: not text');
    return decimal(value);
  },
});

export const DateTime = textScalar<number>({
  name: 'DateTime',
  description:
    'Instant, RFC 3339 in UTC with milliseconds, e.g. "2026-03-01T09:30:00.000Z". Input may carry another offset and at most milliseconds.',
  expected: 'an RFC 3339 instant with an offset and at most milliseconds, e.g. "2026-03-01T09:30:00.000Z"',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  parse(text) {
    const day = INSTANT.exec(text)?.[1];
    const time = day && isDay(day) ? Date.parse(text.toUpperCase()) : Number.NaN;
    return isInstant(time) ? time : undefined;
  },
  serialize(value) {
    if (value instanceof Date) return isoInstant(value.getTime());
    if (typeof value === 'number') return isoInstant(value);
    throw new TypeError('DateTime: neither Date nor epoch milliseconds');
  },
});

export const CalendarDate = textScalar<string>({
  name: 'Date',
  description: 'Calendar day, ISO 8601, e.g. "2026-03-01"; the time zone is named where it is used.',
  expected: 'a calendar day, e.g. "2026-03-01"',
  parse: (text) => (isDay(text) ? text : undefined),
  serialize(value) {
    if (typeof value !== 'string' || !isDay(value)) throw new TypeError('Date: not a calendar day');
    return value;
  },
});

export const Cursor = textScalar<CursorValue>({
  name: 'Cursor',
  description:
    'Position in one live stream. Hand the last one you saw back as `after` of the same subscription to continue without gap or duplicate. (The `after: String` of a list query is a page position, another thing.)',
  expected: 'a cursor that this API handed out',
  parse: (text) => decodeCursor(text) ?? undefined,
  serialize(value) {
    if (typeof value !== 'string') throw new TypeError('Cursor: not text');
    return value;
  },
});

/** A row as the tables have it, where its columns differ from one to the next; never an input. */
export const JsonObject = new GraphQLScalarType<Record<string, unknown>, Record<string, unknown>>({
  name: 'JSONObject',
  description: 'An object of JSON. Its decimals and ids are strings.',
  serialize(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('JSONObject: none');
    return value as Record<string, unknown>;
  },
  parseValue() {
    throw refusal('JSONObject', 'left out: it is no input');
  },
});
