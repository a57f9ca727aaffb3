/** What arguments must look like. Each check throws BAD_USER_INPUT with the argument's name and the bound. */
import { decodePosition } from '../schema/cursor.ts';
import { badInput } from '../schema/errors.ts';
import { LIVE_BOOK_DEPTH } from '../schema/live/book.ts';
import { isSymbol } from '../schema/market.ts';

/** Greatest page sizes. */
export const MAX_KLINES = 5_000;
export const MAX_PAGE = 1_000;
const MAX_THROTTLE_MS = 60_000;
/** Characters of a name or number that is looked up. */
const MAX_TEXT = 64;

const ASSET = /^[A-Z0-9]{1,20}$/;
const FIAT = /^[A-Z]{3}$/;

function between(argument: string, value: number, max: number): void {
  if (value < 1 || value > max) throw badInput(argument, `must be from 1 to ${max}`, { max });
}

/** A canonical symbol. */
export function checkSymbol(symbol: string): void {
  if (!isSymbol(symbol)) throw badInput('symbol', 'must be a symbol of the form BASE-QUOTE, e.g. BTC-USDT');
}

/** An asset's name, where one is given. */
export function checkAsset(argument: string, asset: string | null | undefined): void {
  if (asset != null && !ASSET.test(asset)) throw badInput(argument, 'must be an asset in capitals, e.g. BTC');
}

/** A currency's code, where one is given. */
export function checkFiat(argument: string, fiat: string | null | undefined): void {
  if (fiat != null && !FIAT.test(fiat)) throw badInput(argument, 'must be a currency in three capitals, e.g. VND');
}

/** Text that is looked up as it is. */
export function checkText(argument: string, text: string | null | undefined): void {
  if (text == null) return;
  if (text === '' || text.length > MAX_TEXT) {
    throw badInput(argument, `must have from 1 to ${MAX_TEXT} characters`, { max: MAX_TEXT });
  }
  if (text.includes('\0')) throw badInput(argument, 'must not have the character U+0000');
}

/** A page size. */
export function checkFirst(first: number, max: number): void {
  between('first', first, max);
}

/** Levels of a book. */
export function checkDepth(depth: number): void {
  between('depth', depth, LIVE_BOOK_DEPTH);
}

/** A range of time, either end of which may be open. */
export function checkRange({ from, to }: { from?: number | null; to?: number | null }, argument = 'from'): void {
  if (from != null && to != null && from > to) throw badInput(argument, 'must not be later than `to`');
}

/** The sort values in a page position of the list `question`; null where none is given. */
export function pagePosition(question: string, after: string | null | undefined, parts: number): string[] | null {
  if (after == null) return null;
  const key = decodePosition(question, after, parts);
  if (!key) throw badInput('after', 'is not a position in this list; hand back `endCursor` of the page before');
  return key;
}

/** A page position of rows ordered by time first: its time, epoch ms, and what follows. */
export function timePosition(
  question: string,
  after: string | null | undefined,
  parts: number,
): { time: number; rest: string[] } | null {
  const key = pagePosition(question, after, parts);
  if (!key) return null;
  const [time, ...rest] = key;
  if (!/^[0-9]{1,14}$/.test(time ?? '')) throw badInput('after', 'is not a position in this list');
  return { time: Number(time), rest };
}

/** Markets of one subscription. */
export const MAX_MARKETS = 500;

/** Distinct symbols or not, at least one and no more than may be followed as one. */
export function checkMarkets(markets: readonly { symbol: string }[]): void {
  if (markets.length < 1 || markets.length > MAX_MARKETS) {
    throw badInput('markets', `must be from 1 to ${MAX_MARKETS}`, { max: MAX_MARKETS });
  }
  for (const [i, { symbol }] of markets.entries()) {
    if (!isSymbol(symbol))
      throw badInput(`markets[${i}].symbol`, 'must be a symbol of the form BASE-QUOTE, e.g. BTC-USDT');
  }
}

/** Least time between two events, ms. */
export function checkThrottle(throttleMs: number): void {
  if (throttleMs < 0 || throttleMs > MAX_THROTTLE_MS) {
    throw badInput('throttleMs', `must be from 0 to ${MAX_THROTTLE_MS}`, { max: MAX_THROTTLE_MS });
  }
}
