/**
 * Names of people in bytes that nobody could read: the values of the fields that hold them are masked, whatever the rest
 * looks like; cut off, wrapped in another object, or within text of JSON that is itself a value. Where the bytes are JSON,
 * what is left is held against what they say, and given up where a name is still in it.
 */
import { maskCounterparty } from '../../schema/c2c.ts';
import { personalTexts, textOf } from './personal-json.ts';

const MASK = '***';

interface Value {
  end: number;
  /** What it says, where that can be known; what is shown of it is made of that. */
  said: string | null;
  /** Texts in it. */
  texts: readonly string[];
  isNull: boolean;
}

/** A text without quotes in it. */
function shownOf(name: string): string {
  // half of a surrogate pair is no text
  return Buffer.from(maskCounterparty(name).replaceAll(/["\\]/g, MASK)).toString();
}

/** A field of one of these names, in whatever depth of text within text, each letter as it is or as an escape. */
function fieldPattern(fields: readonly string[]): RegExp {
  const spelled = fields.map((field) =>
    [...field]
      .map((letter) => {
        const code = letter.charCodeAt(0).toString(16).padStart(4, '0');
        const digits = [...code].map((digit) => `[${digit}${digit.toUpperCase()}]`).join('');
        return `(?:${letter}|\\\\+u${digits})`;
      })
      .join(''),
  );
  return new RegExp(`(\\\\*)"(?:${spelled.join('|')})\\1"\\s*:\\s*`, 'g');
}

/** Where the value that begins at `from` ends; at the end of the text where it is cut off. */
function valueAt(text: string, from: number, slashes: number): Value {
  // a quote within text has more backslashes in front; each depth of text within text doubles them
  const isQuote = (before: string): boolean => before.length % (2 * slashes + 2) === slashes;
  const token = /(\\*)"|[[\]{}]/g;
  const rest = text.slice(from);
  const first = /^(?:\\*"|[[{])/.exec(rest)?.[0];
  if (first === undefined || (first.endsWith('"') && first.length !== slashes + 1)) {
    const literal = /^(?:-?[0-9][0-9.eE+-]*|true|false|null)(?=[\s,}\]\\"]|$)/.exec(rest)?.[0];
    // what is no JSON may go on for as long as it likes
    if (literal === undefined) return { end: text.length, said: null, texts: [], isNull: false };
    return { end: from + literal.length, said: null, texts: [], isNull: literal === 'null' };
  }
  const texts: string[] = [];
  let opened: number | null = null;
  let depth = 0;
  let end: number | null = null;
  for (const { 0: found, 1: before, index } of rest.matchAll(token)) {
    if (before === undefined) {
      if (opened === null) depth += found === '[' || found === '{' ? 1 : -1;
    } else if (opened === null) {
      if (before.length === slashes) opened = index + found.length;
    } else if (isQuote(before)) {
      texts.push(textOf(rest.slice(opened, index + before.length - slashes), slashes) ?? '');
      opened = null;
    }
    if (opened === null && depth <= 0) {
      end = from + index + found.length;
      break;
    }
  }
  if (opened !== null) texts.push(textOf(rest.slice(opened).replace(/\\$/, ''), slashes) ?? '');
  const said = first === '"' ? (texts[0] ?? '') : null;
  return { end: end ?? text.length, said: said === '' && end === null ? null : said, texts, isNull: false };
}

/** The text without the values of `fields`, as bytes, one a character. */
function masked(text: string, fields: readonly string[]): { text: string; names: string[] } {
  const names: string[] = [];
  const parts: string[] = [];
  let done = 0;
  for (const match of text.matchAll(fieldPattern(fields))) {
    const [all, slashes = ''] = match;
    const from = match.index + all.length;
    // within a value that is gone already
    if (from < done) continue;
    const { end, said, texts, isNull } = valueAt(text, from, slashes.length);
    if (isNull) continue;
    for (const one of texts) names.push(one);
    const shown = Buffer.from(said === null ? MASK : shownOf(said)).toString('latin1');
    parts.push(text.slice(done, from), `${slashes}"${shown}${slashes}"`);
    done = end;
  }
  return { text: parts.length === 0 ? text : `${parts.join('')}${text.slice(done)}`, names };
}

/** The bytes without the names in `fields`, and the names that were found; null where they can't be had without. */
export function maskBytes(bytes: Buffer, fields: readonly string[]): { masked: Buffer | null; names: string[] } {
  const before = bytes.toString('latin1');
  const { text, names } = masked(before, fields);
  const after = text === before ? bytes : Buffer.from(text, 'latin1');
  const found = personalTexts(bytes.toString('utf8'), fields);
  const all = [...new Set([...names, ...(found ?? [])])].filter((name) => name !== '');
  if (found === null || found.length === 0) return { masked: after, names: all };
  const allowed = new Set([MASK, '', ...found.map(shownOf)]);
  const left = personalTexts(after.toString('utf8'), fields);
  return { masked: left?.every((one) => allowed.has(one)) ? after : null, names: all };
}

/** The text without the names in `fields` and without `names`, wherever they are. */
export function maskText(text: string, fields: readonly string[], names: readonly string[]): string {
  const { masked: bytes, names: own } = maskBytes(Buffer.from(text), fields);
  // the longest first: a name may be a part of another
  const known = [...names, ...own].filter((name) => name.length > 1).sort((a, b) => b.length - a.length);
  return known.reduce((clean, name) => {
    const shown = maskCounterparty(name);
    return clean.replaceAll(name, shown).replaceAll(JSON.stringify(name).slice(1, -1), shown);
  }, bytes?.toString('utf8') ?? MASK);
}
