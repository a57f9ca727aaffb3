/** Reads a request's parameters the way Binance does, and refuses with its error codes (errors.md). */

/** An answer {"code","msg"} with its HTTP status. */
export class ApiError extends Error {
  readonly code: number;
  readonly status: number;

  constructor(code: number, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const SYMBOL = '^[A-Z0-9-_.]{1,20}$';
const WHOLE = '^[0-9]{1,20}$';

export class Query {
  private readonly values = new Map<string, string>();
  private readonly read = new Set<string>();

  /** Throws ApiError -1101 when a parameter comes twice. */
  constructor(search: URLSearchParams) {
    for (const [name, value] of search) {
      if (this.values.has(name)) throw new ApiError(-1101, 'Duplicate values for a parameter detected.');
      this.values.set(name, value);
    }
  }

  /** The value, or null when not sent. Throws -1105 when empty. */
  text(name: string): string | null {
    this.read.add(name);
    const value = this.values.get(name);
    if (value === '') throw new ApiError(-1105, `Parameter '${name}' was empty.`);
    return value ?? null;
  }

  /** The value. Throws -1102 when missing or empty. */
  required(name: string): string {
    this.read.add(name);
    const value = this.values.get(name);
    if (value) return value;
    throw new ApiError(-1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`);
  }

  /** A symbol among `known`. Throws -1100 for illegal characters, -1121 for an unknown one. */
  symbol(text: string, known: string[]): string {
    if (!new RegExp(SYMBOL).test(text)) {
      throw new ApiError(-1100, `Illegal characters found in parameter 'symbol'; legal range is '${SYMBOL}'.`);
    }
    if (!known.includes(text)) throw new ApiError(-1121, 'Invalid symbol.');
    return text;
  }

  /** The symbols of `symbol`, `symbols` (a JSON array), or null for neither. */
  symbols(known: string[]): string[] | null {
    const one = this.text('symbol');
    const many = this.text('symbols');
    if (one !== null && many !== null) throw new ApiError(-1128, 'Combination of optional parameters invalid.');
    if (one !== null) return [this.symbol(one, known)];
    if (many === null) return null;
    if (!/^\[("[^"]*"(,"[^"]*")*)?\]$/.test(many)) {
      const range = '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$';
      throw new ApiError(-1100, `Illegal characters found in parameter 'symbols'; legal range is '${range}'.`);
    }
    const list = (JSON.parse(many) as string[]).map((s) => this.symbol(s, known));
    if (new Set(list).size < list.length) throw new ApiError(-1151, 'Symbol is present multiple times in the list.');
    return list;
  }

  /** A whole number, or null when not sent. Throws -1100 when it is none. */
  whole(name: string): number | null {
    const text = this.text(name);
    if (text === null) return null;
    if (!new RegExp(WHOLE).test(text)) {
      throw new ApiError(-1100, `Illegal characters found in parameter '${name}'; legal range is '${WHOLE}'.`);
    }
    return Number(text);
  }

  /** `limit`, cut to `max`. Throws -1130 for zero. */
  limit(usual: number, max: number): number {
    const limit = this.whole('limit') ?? usual;
    if (limit === 0) throw new ApiError(-1130, "Data sent for parameter 'limit' is not valid.");
    return Math.min(limit, max);
  }

  /** Throws -1104 when the request has parameters nobody read. */
  finish(): void {
    const sent = this.values.size;
    const read = [...this.values.keys()].filter((name) => this.read.has(name)).length;
    if (read < sent) {
      const counts = `read '${read}' parameter(s) but was sent '${sent}'`;
      throw new ApiError(-1104, `Not all sent parameters were read; ${counts}.`);
    }
  }
}
