/**
 * What a client may send: `[{"ticket":…},{"type":…,"codes":[…]},…,{"format":…}]`, or PING. A request has no answer but the
 * data; a wrong one is answered with an error and the end of the connection.
 */
import type { Dialect, Format } from './dialect.ts';

export interface Wanted {
  type: string;
  /** Upper case or silent: what isn't a market's code gets nothing. */
  code: string;
  /** Units of a book; null for the other types. */
  units: number | null;
  snapshot: boolean;
  realtime: boolean;
}

export interface Subscription {
  format: Format;
  wanted: Wanted[];
}

/** The request is wrong; `text` is what the exchange answers. */
export class Refused extends Error {
  readonly text: string;

  constructor(name: string, message: string, messageFirst: boolean) {
    super(name);
    const error = messageFirst ? { message, name } : { name, message };
    this.text = JSON.stringify({ error });
  }
}

const FORMATS: readonly string[] = ['DEFAULT', 'SIMPLE', 'JSON_LIST', 'SIMPLE_LIST'];

type Part = Record<string, unknown>;

function parts(text: string, refuse: (name: string, message: string) => Refused): Part[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refuse('WRONG_FORMAT', 'Format 이 맞지 않습니다.');
  }
  const isPart = (part: unknown): part is Part => typeof part === 'object' && part !== null && !Array.isArray(part);
  if (!Array.isArray(json) || !json.every(isPart)) throw refuse('WRONG_FORMAT', 'Format 이 맞지 않습니다.');
  return json;
}

/** `KRW-BTC.15` asks for 15 units; other counts than the known ones give the usual. */
function bookCode(code: string, { book }: Dialect): { code: string; units: number } {
  const [name = '', count] = code.split('.');
  const units = Number(count);
  return { code: name, units: book.counts.includes(units) ? units : book.fallback };
}

/** Reads a request. Throws Refused. */
export function readRequest(text: string, dialect: Dialect): Subscription {
  const refuse = (name: string, message: string): Refused =>
    new Refused(name, message, dialect.messageFirst && name !== 'NO_TICKET');
  const all = parts(text, refuse);
  const ticket = all.find((part) => 'ticket' in part)?.ticket;
  if (typeof ticket !== 'string' || ticket === '') {
    throw refuse('NO_TICKET', '티켓이 존재하지 않거나, 유효하지 않습니다.');
  }
  const typed = all.filter((part) => 'type' in part);
  if (typed.length === 0) throw refuse('NO_TYPE', 'type 필드가 존재하지 않습니다.');
  const wanted = typed.flatMap((part) => {
    const type = String(part.type);
    if (!dialect.types.includes(type)) throw refuse('INVALID_PARAM', `${type} 은 지원하지 않는 타입입니다.`);
    const { codes } = part;
    if (!Array.isArray(codes) || codes.length === 0) throw refuse('NO_CODES', 'codes 필드가 존재하지 않습니다.');
    const set = (names: readonly string[]): boolean => names.some((name) => part[name] === true);
    const options = { snapshot: !set(dialect.options.realtime), realtime: !set(dialect.options.snapshot) };
    return codes.map(String).map((code) => {
      const of = type === 'orderbook' ? bookCode(code, dialect) : { code, units: null };
      return { type, ...of, ...options };
    });
  });
  // an unknown format counts as the usual one
  const format = all.find((part) => 'format' in part)?.format;
  return { format: FORMATS.includes(String(format)) ? (format as Format) : 'DEFAULT', wanted };
}
