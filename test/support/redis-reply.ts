/** Just enough of Redis's protocol (RESP2) to give a server commands without a client library. */

export type Reply = string | number | null | Reply[];

interface Parsed {
  value: Reply | Error;
  /** Where the reply ends in the text. */
  end: number;
}

/** The reply at `at` in the received bytes (as latin1 text), or null while it is incomplete. */
export function parseReply(text: string, at = 0): Parsed | null {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return null;
  const rest = text.slice(at + 1, line);
  const end = line + 2;
  switch (text[at]) {
    case '+':
      return { value: rest, end };
    case '-':
      return { value: new Error(rest), end };
    case ':':
      return { value: Number(rest), end };
    case '$':
      return bulk(text, end, Number(rest));
    case '*':
      return array(text, end, Number(rest));
    default:
      throw new Error(`not a reply: ${text.slice(at, at + 20)}`);
  }
}

function bulk(text: string, start: number, length: number): Parsed | null {
  if (length < 0) return { value: null, end: start };
  if (text.length < start + length + 2) return null;
  return { value: text.slice(start, start + length), end: start + length + 2 };
}

function array(text: string, start: number, length: number): Parsed | null {
  if (length < 0) return { value: null, end: start };
  const items: Reply[] = [];
  let end = start;
  for (let i = 0; i < length; i++) {
    const item = parseReply(text, end);
    if (!item) return null;
    items.push(item.value instanceof Error ? item.value.message : item.value);
    end = item.end;
  }
  return { value: items, end };
}
