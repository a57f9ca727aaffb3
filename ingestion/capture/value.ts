/**
 * Values of columns as Debezium spells them in JSON with decimal.handling.mode=string and time.precision.mode=isostring,
 * from the text that PostgreSQL writes. JSON text is made right away: a number of 64 bits has no place in JavaScript.
 */

/** Stands for a large value that a change left alone and PostgreSQL therefore did not send. */
export const UNAVAILABLE = '__debezium_unavailable_value';

/** Object ids of types; these are the same in every PostgreSQL (src/include/catalog/pg_type.dat). */
const TYPE = { bool: 16, date: 1082, timestamp: 1114, timestamptz: 1184, numeric: 1700 };
const WHOLE = new Set([20, 21, 23, 26]);
const FLOAT = new Set([700, 701]);

const INSTANT = /^(\d{4,6})-(\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(\+00)?$/;
/** As Java names them. */
const SPECIAL: Readonly<Record<string, string>> = {
  NaN: 'NAN',
  Infinity: 'POSITIVE_INFINITY',
  '-Infinity': 'NEGATIVE_INFINITY',
};

/** An instant with six digits of a second, a local time with as many as it has; what is no date stays what it is. */
function isoText(text: string): string {
  const [whole, year, day, time, fraction = '', zone] = INSTANT.exec(text) ?? [];
  if (whole === undefined) return text;
  const digits = zone ? fraction.padEnd(6, '0') : fraction;
  return `${year}-${day}T${time}${digits === '' ? '' : `.${digits}`}Z`;
}

/** JSON text of a value: `text` as PostgreSQL writes it, null, or undefined for one that was not sent. */
export function valueJson(typeOid: number, text: string | null | undefined): string {
  if (text === undefined) return `"${UNAVAILABLE}"`;
  if (text === null) return 'null';
  if (WHOLE.has(typeOid)) return text;
  if (typeOid === TYPE.bool) return text === 't' ? 'true' : 'false';
  if (FLOAT.has(typeOid)) return Number.isFinite(Number(text)) ? text : JSON.stringify(text);
  if (typeOid === TYPE.numeric) return JSON.stringify(SPECIAL[text] ?? text);
  if (typeOid === TYPE.timestamptz || typeOid === TYPE.timestamp) return JSON.stringify(isoText(text));
  if (typeOid === TYPE.date) return JSON.stringify(/^\d{4,6}-\d\d-\d\d$/.test(text) ? `${text}Z` : text);
  return JSON.stringify(text);
}

/** What a column that is never null has where its value is not known: a deleted row of which only the key was logged. */
export function emptyJson(typeOid: number, hasDefault: boolean): string {
  if (WHOLE.has(typeOid) || FLOAT.has(typeOid)) return '0';
  if (typeOid === TYPE.bool) return 'false';
  if (typeOid === TYPE.numeric) return '"0"';
  if (typeOid === TYPE.timestamptz) return hasDefault ? '"1970-01-01T00:00:00.000000Z"' : '"1970-01-01T00:00:00Z"';
  if (typeOid === TYPE.timestamp) return '"1970-01-01T00:00:00Z"';
  if (typeOid === TYPE.date) return '"1970-01-01Z"';
  return '""';
}
