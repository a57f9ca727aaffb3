/** What a setting is, and how its text becomes a value. */
import { decimal, Exact } from '../../schema/decimal.ts';
import { EXCHANGES, type Exchange, isSymbol, type MarketRef } from '../../schema/market.ts';

export type Role = 'reader' | 'merchant' | 'admin';

export interface AccessToken {
  token: string;
  role: Role;
  /** Epoch ms from which on it is void; left out for one that does not expire. */
  expiresAt?: number;
}

/** A market list entry: one market, or every market of the exchange. */
export type MarketPattern = MarketRef | { exchange: Exchange; symbol: '*' };

const ROLES: readonly Role[] = ['reader', 'merchant', 'admin'];
/** Nobody charges more than two percent. */
const MAX_FEE = '0.02';

export interface Setting<T> {
  default: string;
  help: string;
  secret?: boolean;
  /** The value of the text; throws Error with what is wrong. */
  parse(text: string): T;
}

export const text = (value: string): string => value;

export function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const n = /^-?[0-9]+$/.test(value) ? Number(value) : Number.NaN;
    if (!(n >= min && n <= max)) throw new Error(`must be a whole number from ${min} to ${max}`);
    return n;
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): (value: string) => T {
  return (value) => {
    const found = choices.find((c) => c === value);
    if (!found) throw new Error(`must be one of ${choices.join(', ')}`);
    return found;
  };
}

/** A URL of one of the protocols, without a trailing slash; empty means unset. */
export function url(...protocols: readonly string[]): (value: string) => string | undefined {
  return (value) => {
    if (value === '') return undefined;
    const parsed = URL.canParse(value) ? new URL(value) : null;
    if (!parsed || !protocols.includes(parsed.protocol.slice(0, -1))) {
      throw new Error(`must be a URL that begins with ${protocols.map((p) => `${p}://`).join(' or ')}`);
    }
    return value.replace(/\/+$/, '');
  };
}

export function list<T>(entry: (value: string) => T): (value: string) => T[] {
  return (value) =>
    value
      .split(',')
      .map((v) => v.trim())
      .filter((v) => v !== '')
      .map(entry);
}

export function market(value: string): MarketPattern {
  const [name, symbol, rest] = value.split(':');
  const exchange = EXCHANGES.find((e) => e.toLowerCase() === name?.toLowerCase());
  if (!exchange) {
    throw new Error(`"${value}": exchange must be one of ${EXCHANGES.map((e) => e.toLowerCase()).join(', ')}`);
  }
  if (rest !== undefined || !symbol || !(symbol === '*' || isSymbol(symbol))) {
    throw new Error(`"${value}": must be exchange:BASE-QUOTE or exchange:*`);
  }
  return { exchange, symbol };
}

export interface TakerFee {
  pattern: MarketPattern;
  /** Of what is traded, e.g. "0.075" for 0.00075. */
  percent: string;
}

/** `binance:*=0.00075`: what a taker pays, as a fraction of what is traded. */
export function takerFee(value: string): TakerFee {
  const [name = '', rate = '', rest] = value.split('=');
  const pattern = market(name);
  const fraction = /^0(\.[0-9]{1,10})?$/.test(rate) ? new Exact(rate) : null;
  // a percentage taken for a fraction would be a hundred times too much
  if (rest !== undefined || !fraction || fraction.greaterThan(MAX_FEE)) {
    throw new Error(
      `"${value}": must be exchange:BASE-QUOTE=rate, the rate a fraction from 0 to ${MAX_FEE}, e.g. 0.00075`,
    );
  }
  return { pattern, percent: fraction.times(100).toFixed() };
}

export function accessToken(value: string): AccessToken {
  const at = value.lastIndexOf(':');
  const token = value.slice(0, at);
  const role = ROLES.find((r) => r === value.slice(at + 1));
  // the token itself must not reach a log
  if (at < 16 || !role)
    throw new Error(`each entry must be token:role, token of 16 characters or more, role of ${ROLES.join(', ')}`);
  return { token, role };
}

export function origin(value: string): string {
  if (value === '*') return value;
  if (!/^https?:/.test(value) || !URL.canParse(value) || new URL(value).origin !== value) {
    throw new Error(`"${value}": must be * or an origin like https://charts.example`);
  }
  return value;
}

export function broker(value: string): string {
  if (!/^[^\s:]+:[0-9]{1,5}$/.test(value)) throw new Error(`"${value}": must be host:port`);
  return value;
}

export function setting<T>(fallback: string, help: string, parse: (value: string) => T, secret = false): Setting<T> {
  return { default: fallback, help, parse, secret };
}

/** A size in USDT. */
export function notional(value: string): string {
  if (!/^[1-9][0-9]{0,11}(\.[0-9]{1,8})?$/.test(value)) throw new Error(`"${value}": must be a decimal from 1 on`);
  return decimal(value);
}

/** A rate of exchange; empty means none. */
export function rate(value: string): string | null {
  if (value === '') return null;
  if (!/^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(value) || decimal(value) === '0')
    throw new Error('must be a decimal above 0');
  return decimal(value);
}

/** A name of the IANA list. An offset like +07:00 is none: PostgreSQL reads its sign the other way round. */
export function timeZone(value: string): string {
  try {
    if (value !== 'UTC' && !/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+$/.test(value)) throw new RangeError(value);
    new Intl.DateTimeFormat('en', { timeZone: value });
    return value;
  } catch {
    throw new Error('must be UTC or the name of a time zone, e.g. Asia/Ho_Chi_Minh');
  }
}
