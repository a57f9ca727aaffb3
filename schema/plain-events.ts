/**
 * A quick look at messages that are nearly all alike: true means that the shape in topics.ts takes the value and leaves it
 * as it is; anything unusual is left to that shape, which has the last word and the reason.
 */
import { isDecimal } from './decimal.ts';
import { EXCHANGES, type Exchange, INTERVALS, isSymbol } from './market.ts';

type Fields = Readonly<Record<string, unknown>>;

const FIRST_TIME = 1_230_768_000_000;
const LAST_TIME = 4_102_444_800_000;
const DIGITS = /^[0-9]{1,30}$/;

const isDec = (value: unknown): boolean => typeof value === 'string' && isDecimal(value);
const isTime = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= FIRST_TIME && (value as number) <= LAST_TIME;
const isCount = (value: unknown): boolean => typeof value === 'string' && DIGITS.test(value);

function isLevels(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > 10_000) return false;
  for (const level of value as unknown[]) {
    if (!Array.isArray(level) || level.length !== 2 || !isDec(level[0]) || !isDec(level[1])) return false;
  }
  return true;
}

/** An object with the fields of every market event and `more` others. */
function asEvent(value: unknown, more: number): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const e = value as Fields;
  if (Object.keys(e).length !== 4 + more) return null;
  const isMarket = EXCHANGES.includes(e.exchange as Exchange) && typeof e.symbol === 'string' && isSymbol(e.symbol);
  return isMarket && isTime(e.eventTime) && isTime(e.receivedAt) ? e : null;
}

export function isPlainTrade(value: unknown): boolean {
  const t = asEvent(value, 4);
  if (!t || typeof t.tradeId !== 'string' || t.tradeId.length < 1 || t.tradeId.length > 100) return false;
  return isDec(t.price) && isDec(t.quantity) && (t.side === 'BUY' || t.side === 'SELL');
}

export function isPlainBook(value: unknown): boolean {
  const b = asEvent(value, 6);
  if (!b || (b.type !== 'delta' && b.type !== 'snapshot') || !isCount(b.sequence)) return false;
  if (!isCount(b.previousSequence) && b.previousSequence !== null) return false;
  const { integrity } = b;
  if (integrity !== 'SEQUENCED' && integrity !== 'CHECKSUMMED' && integrity !== 'SNAPSHOT_ONLY') return false;
  return isLevels(b.bids) && isLevels(b.asks);
}

export function isPlainKline(value: unknown): boolean {
  const k = asEvent(value, 11);
  if (!k || typeof k.interval !== 'string' || !Object.hasOwn(INTERVALS, k.interval) || !isTime(k.openTime))
    return false;
  const isTold = isDec(k.open) && isDec(k.high) && isDec(k.low) && isDec(k.close) && isDec(k.volume);
  const { tradeCount: n, coverage } = k;
  if (!isTold || !isDec(k.quoteVolume) || typeof k.isClosed !== 'boolean') return false;
  if (n !== null && !(Number.isSafeInteger(n) && (n as number) >= 0)) return false;
  return typeof coverage === 'number' && coverage >= 0 && coverage <= 1;
}
