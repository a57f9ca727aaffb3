/** What JSON says in fields that hold names of people, whatever its spelling and however deep it is. */

const isNested = (text: string): boolean => /^\s*[[{"]/.test(text);

function parsed(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** Texts and numbers under these fields, also in text that is JSON itself; null where `text` is no JSON. */
export function personalTexts(text: string, fields: readonly string[]): string[] | null {
  const whole = parsed(text);
  if (!whole) return null;
  const found: string[] = [];
  // no recursion: it may be deeper than the stack
  const open: [value: unknown, isPersonal: boolean][] = [[whole.value, false]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, isPersonal] = next;
    if (typeof value === 'string' && !isPersonal) {
      if (isNested(value)) open.push([parsed(value)?.value, false]);
    } else if (typeof value === 'string' || typeof value === 'number') {
      if (isPersonal) found.push(String(value));
    } else if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      for (const [name, one] of Object.entries(value)) {
        open.push([one, isPersonal || (!isList && fields.includes(name))]);
      }
    }
  }
  return found;
}

/** What the inside of a JSON string says, given as bytes, one a character; null where it is none. `slashes`: before its quotes. */
export function textOf(inner: string, slashes: number): string | null {
  let text: string | null = Buffer.from(inner, 'latin1').toString('utf8');
  for (let depth = Math.log2(slashes + 1); depth >= 0 && text !== null; depth--) {
    const { value }: { value: unknown } = parsed(`"${text}"`) ?? { value: null };
    text = typeof value === 'string' ? value : null;
  }
  return text;
}
