/** Instants, days and times of day in the encodings of Kafka Connect and Debezium, as ISO 8601 text in UTC. */

const DAY_MS = 86_400_000;
const MICROS = 1_000n;
/** Years 1 to 9999, the ones that ISO 8601 spells with four digits. */
const EARLIEST_MS = -62_135_596_800_000;
const LATEST_MS = 253_402_300_799_999;
/** Text as PostgreSQL, Java and JavaScript spell instants; an offset may be left out where the type has none. */
const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?\s?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** Nine digits, or three or six where the rest are zeros. */
function fraction(digits: string): string {
  if (digits.endsWith('000000')) return digits.slice(0, 3);
  return digits.endsWith('000') ? digits.slice(0, 6) : digits;
}

/** Nanoseconds since 1970 as an instant with at least milliseconds; null outside of the years 1 to 9999. */
function isoOfNanos(nanos: bigint): string | null {
  const second = 1_000_000_000n;
  const rest = ((nanos % second) + second) % second;
  const ms = Number((nanos - rest) / 1_000_000n);
  if (!(ms >= EARLIEST_MS && ms <= LATEST_MS)) return null;
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction(String(rest).padStart(9, '0'))}Z`;
}

export type TimeUnit = 'ms' | 'us' | 'ns';
const NANOS: Record<TimeUnit, bigint> = { ms: MICROS * MICROS, us: MICROS, ns: 1n };

/** A count of units since 1970 as an instant; null where it can't be spelled. */
export function instantOf(count: bigint, unit: TimeUnit): string | null {
  return isoOfNanos(count * NANOS[unit]);
}

/** A count since 1970 whose unit shows in its size: instants of the years 2001 to 2286. Null for any other. */
export function instantBySize(count: bigint): string | null {
  const units: Record<number, TimeUnit> = { 13: 'ms', 16: 'us', 19: 'ns' };
  const unit = units[String(count).length];
  return unit && count > 0n ? instantOf(count, unit) : null;
}

/** An instant in text as it is spelled here: in UTC, with at least milliseconds. Null where it is none. */
export function instantOfText(text: string): string | null {
  const [, day, time, digits = '', offset = 'Z'] = INSTANT.exec(text) ?? [];
  if (!day || !time) return null;
  const local = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(local)) return null;
  const spelled = new Date(local).toISOString();
  // a day that is not in the calendar comes out as another one, and so does 24:00
  if (!spelled.startsWith(day)) return null;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])([0-9]{2}):?([0-9]{2})?$/.exec(offset) ?? [];
  const ms = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? 1 : -1);
  const at = ms === 0 ? spelled : new Date(local + ms).toISOString();
  const isSpelled = at.length === 24 && !at.startsWith('0000');
  return isSpelled ? `${at.slice(0, 19)}.${fraction(digits.padEnd(9, '0'))}Z` : null;
}

/** Days since 1970 as a day; null where it can't be spelled. */
export function dayOf(days: bigint): string | null {
  const ms = Number(days) * DAY_MS;
  return ms >= EARLIEST_MS && ms <= LATEST_MS ? new Date(ms).toISOString().slice(0, 10) : null;
}

/** A count of units since midnight as a time of day; null where it is past the day. */
export function timeOfDay(count: bigint, unit: TimeUnit): string | null {
  const nanos = count * NANOS[unit];
  if (nanos < 0n || nanos > BigInt(DAY_MS) * NANOS.ms) return null;
  const seconds = nanos / 1_000_000_000n;
  const part = (value: bigint): string => String(value).padStart(2, '0');
  const rest = nanos % 1_000_000_000n;
  const tail = rest === 0n ? '' : `.${fraction(String(rest).padStart(9, '0'))}`;
  return `${part(seconds / 3_600n)}:${part((seconds / 60n) % 60n)}:${part(seconds % 60n)}${tail}`;
}
