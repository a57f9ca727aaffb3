/** Strict reading of exchanges' JSON: every reader gives the wanted type or throws BadFrame naming the field. */
import { isUtf8 } from 'node:buffer';
import { decimal } from '../../schema/decimal.ts';
import type { BookLevel } from '../../schema/market.ts';
import { BadFrame } from './connector.ts';

export type Fields = { readonly [name: string]: unknown };

/** The bounds of schema/topics.ts: a stamp in s, µs or ns is outside. */
const FIRST_TIME = 1_230_768_000_000;
const LAST_TIME = 4_102_444_800_000;
const MAX_LEVELS = 10_000;
const MAX_DIGITS = 100;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'object' ? (value === null ? 'null' : 'a structure') : String(value).slice(0, 40);
}

function bytesToText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new BadFrame('not UTF-8');
  return bytes.toString('utf8');
}

/** The JSON of a frame or body. */
export function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytesToText(bytes));
  } catch (error) {
    throw error instanceof BadFrame ? error : new BadFrame('not JSON');
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const keepText: Reviver = (_key, value, { source }) => (typeof value === 'number' ? source : value);
/** A member's number; without a backslash in the text, `":` ends a name or begins a text with a colon. */
const MEMBER = /":\s*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?=[\s,}])/g;
/** What may be a number that no member holds, an escaped character, or a text that begins with a colon. */
const UNUSUAL = /(?:^|[[,])\s*-?[0-9]|\\|(?:^|[[{,:])\s*":/;

/**
 * The JSON of a frame or body with every number as the text it was written in ("17853950437790001", "1.16539E8"): for
 * exchanges that send integers beyond 2^53 or prices as numbers.
 */
export function readJsonNumbersAsText(bytes: Buffer): unknown {
  const text = bytesToText(bytes);
  try {
    // a reviver takes three times as long, and most frames don't need one
    if (!UNUSUAL.test(text)) return JSON.parse(text.replace(MEMBER, '":"$1"'));
    return JSON.parse(text, keepText as (this: unknown, key: string, value: unknown) => unknown);
  } catch {
    throw new BadFrame('not JSON');
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fields(value: unknown, what: string): Fields {
  if (!isFields(value)) throw new BadFrame(`${what}: not an object`);
  return value;
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadFrame(`${what}: not a list`);
  return value;
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new BadFrame(`${what}: not text (${shown(value)})`);
  return value;
}

export function flag(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new BadFrame(`${what}: not true or false (${shown(value)})`);
  return value;
}

/** A whole number that a double holds exactly, not negative. */
export function count(value: unknown, what: string): number {
  const n = typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(n) || (n as number) < 0) throw new BadFrame(`${what}: not a count (${shown(value)})`);
  return n as number;
}

/** An id or sequence as text: digits, or a number that a double holds exactly. */
export function digits(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[0-9]{1,30}$/.test(value)) return value.replace(/^0+(?=[0-9])/, '');
  return String(count(value, what));
}

/** Epoch ms. */
export function time(value: unknown, what: string): number {
  const ms = count(value, what);
  if (ms < FIRST_TIME || ms > LAST_TIME) throw new BadFrame(`${what}: not a time in ms (${shown(value)})`);
  return ms;
}

/** A decimal in canonical spelling; any sign. */
export function anyDecimal(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new BadFrame(`${what}: not a decimal as text (${shown(value)})`);
  let canonical = '';
  try {
    canonical = decimal(value);
  } catch {
    // said below
  }
  // "1e400" is a decimal that no topic takes once it is spelled out
  if (canonical === '' || canonical.length > MAX_DIGITS) throw new BadFrame(`${what}: not a decimal (${shown(value)})`);
  return canonical;
}

/** A quantity: canonical decimal, not negative. */
export function quantity(value: unknown, what: string): string {
  const canonical = anyDecimal(value, what);
  if (canonical.startsWith('-')) throw new BadFrame(`${what}: negative (${canonical.slice(0, 40)})`);
  return canonical;
}

/** A price: canonical decimal above zero. */
export function price(value: unknown, what: string): string {
  const canonical = quantity(value, what);
  if (canonical === '0') throw new BadFrame(`${what}: zero`);
  return canonical;
}

/** Book levels `[price, quantity, …]`. */
export function levels(value: unknown, what: string): BookLevel[] {
  const rows = list(value, what);
  if (rows.length > MAX_LEVELS) throw new BadFrame(`${what}: more than ${MAX_LEVELS} levels`);
  const [ofPrice, ofQuantity] = [`${what} price`, `${what} quantity`];
  return rows.map((row) => {
    const pair = list(row, what);
    return [price(pair[0], ofPrice), quantity(pair[1], ofQuantity)];
  });
}
