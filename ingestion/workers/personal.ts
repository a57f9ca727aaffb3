/**
 * Names of people in bytes that nobody could read: the values of the fields that hold them are masked, whatever the rest
 * looks like; cut off, wrapped in another object, or within text of JSON that is itself a value.
 */
import { maskCounterparty } from '../../schema/c2c.ts';

const MASK = '***';

/** Where the value that begins at `from` ends, and what it says where that can be known. */
function valueAt(text: string, from: number, slashes: string): { end: number; said: string | null; isNull: boolean } {
  const rest = text.slice(from);
  const quote = `${slashes}"`;
  if (slashes === '' && rest.startsWith('"')) {
    const [all = '', inner = ''] = /^"((?:[^"\\]|\\.)*)(?:"|$|\\$)/s.exec(rest) ?? [];
    // the text is bytes, one a character
    return { end: from + all.length, said: jsonText(Buffer.from(inner, 'latin1').toString('utf8')), isNull: false };
  }
  if (rest.startsWith(quote)) {
    // a quote within the text has more backslashes in front
    const closing = [...rest.matchAll(/(\\*)"/g)].find(({ index, 1: before }) => index > 0 && before === slashes);
    return { end: closing ? from + closing.index + quote.length : text.length, said: null, isNull: false };
  }
  if (/^[[{]/.test(rest)) {
    const [all = ''] = /^[[{][^\]}]*[\]}]?/.exec(rest) ?? [];
    return { end: from + all.length, said: null, isNull: false };
  }
  const [all = ''] = /^[^,}\]\s\\"]*/.exec(rest) ?? [];
  return { end: from + all.length, said: null, isNull: all === 'null' };
}

function jsonText(inner: string): string | null {
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return null;
  }
}

/** The bytes without the names in `fields`, and the names that were found. */
export function maskBytes(bytes: Buffer, fields: readonly string[]): { masked: Buffer; names: string[] } {
  const text = bytes.toString('latin1');
  const names: string[] = [];
  const parts: string[] = [];
  let done = 0;
  for (const match of text.matchAll(new RegExp(`(\\\\*)"(?:${fields.join('|')})\\1"\\s*:\\s*`, 'g'))) {
    const [all, slashes = ''] = match;
    const from = match.index + all.length;
    // within a value that is gone already
    if (from < done) continue;
    const { end, said, isNull } = valueAt(text, from, slashes);
    if (isNull) continue;
    if (said) names.push(said);
    const shown = Buffer.from(said === null ? MASK : maskCounterparty(said)).toString('latin1');
    parts.push(text.slice(done, from), `${slashes}"${shown.replaceAll(/["\\]/g, MASK)}${slashes}"`);
    done = end;
  }
  if (parts.length === 0) return { masked: bytes, names };
  return { masked: Buffer.from(`${parts.join('')}${text.slice(done)}`, 'latin1'), names };
}

/** The text without the names in `fields` and without `names`, wherever they are. */
export function maskText(text: string, fields: readonly string[], names: readonly string[]): string {
  const masked = maskBytes(Buffer.from(text), fields).masked.toString('utf8');
  return names.reduce(
    (clean, name) => (name.length > 1 ? clean.replaceAll(name, maskCounterparty(name)) : clean),
    masked,
  );
}
