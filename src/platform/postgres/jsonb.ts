/** JSON as a column of type jsonb can hold it. */

/** Texts, numbers and brackets; texts first, so that nothing is found within one. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*|[[\]{}]/gs;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|.)/gs;
/** numeric ends far beyond this, and no amount is so large. */
const MOST_DIGITS = 1_000;
/** PostgreSQL reads nested values by recursion. */
const DEEPEST = 200;
const REPLACEMENT = '\\ufffd';

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

/** A text token without U+0000 and without half of a surrogate pair. */
function cleanText(token: string): string {
  if (!token.includes('\\u')) return token;
  const found = [...token.matchAll(ESCAPE)].map((m) => ({ at: m.index, code: Number.parseInt(m[1] ?? '', 16) }));
  const paired = (i: number): boolean => {
    const [one, next, before] = [found[i], found[i + 1], found[i - 1]];
    if (!one) return false;
    if (isHigh(one.code)) return next?.at === one.at + 6 && isLow(next.code);
    return before?.at === one.at - 6 && isHigh(before.code);
  };
  const bad = found.filter(({ code }, i) => code === 0 || ((isHigh(code) || isLow(code)) && !paired(i)));
  // all of them are six characters long, what replaces them too
  return bad.reduce((text, { at }) => `${text.slice(0, at)}${REPLACEMENT}${text.slice(at + 6)}`, token);
}

function isTooLarge(number: string): boolean {
  const [digits = '', exponent = '0'] = number.split(/[eE]/);
  return digits.length > MOST_DIGITS || exponent.length > 4 || Math.abs(Number(exponent)) > MOST_DIGITS;
}

/**
 * JSON text of the same value with what jsonb refuses put otherwise: U+0000 and halves of surrogate pairs as U+FFFD, numbers
 * without measure as text, and what is nested without measure as a whole as text. `changed` says whether anything was. The
 * text must be JSON.
 */
export function jsonbText(text: string): { text: string; changed: boolean } {
  let depth = 0;
  let deepest = 0;
  const clean = text.replaceAll(TOKEN, (token) => {
    const [first] = token;
    if (first === '"') return cleanText(token);
    if (first === '{' || first === '[') deepest = Math.max(deepest, ++depth);
    else if (first === '}' || first === ']') depth--;
    else if (isTooLarge(token)) return `"${token}"`;
    return token;
  });
  if (deepest > DEEPEST) return { text: cleanText(JSON.stringify(text)), changed: true };
  return { text: clean, changed: clean !== text };
}
