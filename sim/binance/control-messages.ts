/**
 * The JSON messages a client may send on a stream connection, and Binance's replies: web-socket-streams.md "Live Subscribing",
 * "Error Messages". Pure: what a connection is subscribed to is changed through `Subscriber`.
 */

export interface Subscriber {
  /** True when every payload comes as {"stream","data"}. */
  combined: boolean;
  readonly streams: ReadonlySet<string>;
  subscribe(streams: string[]): void;
  unsubscribe(streams: string[]): void;
}

const METHODS = ['SUBSCRIBE', 'UNSUBSCRIBE', 'LIST_SUBSCRIPTIONS', 'SET_PROPERTY', 'GET_PROPERTY'] as const;
type Method = (typeof METHODS)[number];

type Id = string | number | null;

class Refused extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The reply to one message, as text. */
export function replyTo(text: string, to: Subscriber): string {
  let id: Id | undefined;
  try {
    const message = parse(text);
    id = isId(message.id) ? message.id : undefined;
    const method = methodOf(message.method, text);
    if (id === undefined) throw new Refused(2, 'Invalid request: request ID must be an unsigned integer');
    const params = message.params ?? [];
    if (!Array.isArray(params)) throw new Refused(2, `Invalid request: params must be an array${place(text)}`);
    return JSON.stringify({ result: perform(method, params, to), id });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return JSON.stringify({ code: error.code, msg: error.message, id });
  }
}

function perform(method: Method, params: unknown[], to: Subscriber): null | boolean | string[] {
  switch (method) {
    case 'SUBSCRIBE':
      to.subscribe(streamNames(params));
      return null;
    case 'UNSUBSCRIBE':
      to.unsubscribe(streamNames(params));
      return null;
    case 'LIST_SUBSCRIPTIONS':
      atMost(params, 0);
      return [...to.streams];
    case 'SET_PROPERTY':
      atMost(params, 2);
      property(params[0]);
      if (typeof params[1] !== 'boolean') throw new Refused(1, 'Invalid value type: expected Boolean');
      to.combined = params[1];
      return null;
    case 'GET_PROPERTY':
      atMost(params, 1);
      property(params[0]);
      return to.combined;
  }
}

function parse(text: string): Record<string, unknown> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    const at = Number(/position (\d+)/.exec((error as Error).message)?.[1] ?? 0);
    const before = text.slice(0, at).split('\n');
    const where = `line ${before.length} column ${(before.at(-1) as string).length + 1}`;
    throw new Refused(3, `Invalid JSON: expected value at ${where}`);
  }
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) {
    return message as Record<string, unknown>;
  }
  throw new Refused(2, `Invalid request: missing field \`method\`${place(text)}`);
}

function methodOf(method: unknown, text: string): Method {
  if (method === undefined) throw new Refused(2, `Invalid request: missing field \`method\`${place(text)}`);
  const known = METHODS.find((m) => m === method);
  if (known) return known;
  const expected = METHODS.map((m) => `\`${m}\``).join(', ');
  const spelled = JSON.stringify(method);
  const column = text.indexOf(spelled) + spelled.length;
  const name = typeof method === 'string' ? method : spelled;
  throw new Refused(
    2,
    `Invalid request: unknown variant \`${name}\`, expected one of ${expected} at line 1 column ${column}`,
  );
}

function streamNames(params: unknown[]): string[] {
  if (params.every((p) => typeof p === 'string')) return params as string[];
  throw new Refused(2, 'Invalid request: stream name must be a string');
}

function property(name: unknown): void {
  if (typeof name !== 'string') throw new Refused(2, 'Invalid request: property name must be a string');
  if (name !== 'combined') throw new Refused(0, 'Unknown property');
}

function atMost(params: unknown[], count: number): void {
  if (params.length > count) throw new Refused(2, 'Invalid request: too many parameters');
}

/** A 64-bit signed integer (as far as JSON.parse tells), an alphanumeric string of at most 36, or null. */
function isId(id: unknown): id is Id {
  if (typeof id === 'string') return /^[A-Za-z0-9-]{0,36}$/.test(id);
  return id === null || Number.isInteger(id);
}

function place(text: string): string {
  return ` at line 1 column ${text.length}`;
}
