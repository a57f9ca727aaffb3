/** JSON read without losing a digit: a number that a float can't hold becomes the text it was spelled as. */
import { decimal, isDecimal } from '../../schema/decimal.ts';

/** A string, to be passed over, or a number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*/g;
/** In every envelope, several times, and used by nobody. Within a string the quotes would be escaped. */
const STAMPS = /"ts_[un]s":[0-9]+/g;
/** Where a number may be one that a float can't hold; within a string, too. */
const MAYBE = /(?:":|[[,])\s*-?(?:[0-9]{16}|[0-9]+[.eE])/;

/** Exact numbers stay; the others are put in quotes, fractions in their canonical spelling. */
function exact(token: string): string {
  if (token.startsWith('"')) return token;
  const isWhole = /^-?[0-9]+$/.test(token);
  if (isWhole) return Number.isSafeInteger(Number(token)) ? token : `"${token}"`;
  return `"${isDecimal(token) ? decimal(token) : token}"`;
}

/** The value of a JSON text, but for `ts_us` and `ts_ns`. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  const plain = text.replace(STAMPS, (stamp) => `${stamp.slice(0, 8)}0`);
  const value = JSON.parse(plain) as unknown;
  return MAYBE.test(plain) ? (JSON.parse(plain.replace(TOKEN, exact)) as unknown) : value;
}
