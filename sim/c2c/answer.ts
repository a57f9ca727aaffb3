/** What the stand-in answers: the time, and pages of orders to those who sign. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ApiError, Query } from '../binance/query.ts';
import type { Merchant } from './merchant.ts';
import type { Side, SimOrder } from './order.ts';

/** Documented dummies of binance-spot-api-docs, rest-api.md: they open nothing but this. */
export const SIM_KEY = 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A';
export const SIM_SECRET = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';

export type Generation = 'older' | 'newer' | 'mixed';

const DAY = 86_400_000;
const LONGEST_WINDOW = 30 * DAY;
const ROWS = 100;
const NEWER = ['payMethodName', 'additionalKycVerify', 'takerCommissionRate', 'takerCommission', 'takerAmount'];

/** Refuses who may not ask, or asks at the wrong time. `now` is the exchange's clock, ms; `raw` the query as it came. */
function authorize(query: Query, raw: string, key: string | undefined, now: number): void {
  if (!key || !/^[A-Za-z0-9]{64}$/.test(key)) throw new ApiError(-2014, 'API-key format invalid.', 401);
  if (key !== SIM_KEY) throw new ApiError(-2015, 'Invalid API-key, IP, or permissions for action.', 401);
  const timestamp = query.required('timestamp');
  const signature = query.required('signature');
  if (!/^[0-9]{1,16}$/.test(timestamp)) {
    throw new ApiError(-1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.");
  }
  const window = Number(query.text('recvWindow') ?? 5_000);
  if (!(window > 0 && window <= 60_000)) throw new ApiError(-1131, "Parameter 'recvWindow' must be less than 60000.");
  const sent = Number(timestamp);
  if (sent >= now + 1_000)
    throw new ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.");
  if (now - sent > window) throw new ApiError(-1021, 'Timestamp for this request is outside of the recvWindow.');
  const at = raw.lastIndexOf('&signature=');
  const right = createHmac('sha256', SIM_SECRET).update(raw.slice(0, at)).digest();
  const given = Buffer.from(signature, 'hex');
  // it must come last, or it signs something else
  const last = raw.slice(at) === `&signature=${signature}`;
  if (!last || given.length !== right.length || !timingSafeEqual(given, right)) {
    throw new ApiError(-1022, 'Signature for this request is not valid.');
  }
}

/** An error in the shape of the C2C API itself. */
export function refusal(code: string, message: string): string {
  return JSON.stringify({ code, message, data: null, total: 0, success: false });
}

function render(order: SimOrder, newer: boolean): object {
  return newer ? order : Object.fromEntries(Object.entries(order).filter(([name]) => !NEWER.includes(name)));
}

export interface Asked {
  side: Side | null;
  from: number;
  to: number;
  page: number;
  rows: number;
}

/** What a request asks for, or the body that refuses it. Throws ApiError. `now` is the merchant's clock, `clock` the exchange's. */
export function read(search: string, key: string | undefined, clock: number, now: number): Asked | { refused: string } {
  const query = new Query(new URLSearchParams(search));
  authorize(query, search, key, clock);
  const side = query.text('tradeType');
  if (side !== null && side !== 'BUY' && side !== 'SELL') return { refused: refusal('000002', 'illegal parameter') };
  const to = query.whole('endTimestamp') ?? now;
  const from = query.whole('startTimestamp') ?? to - LONGEST_WINDOW;
  const page = query.whole('page') ?? 1;
  const rows = Math.min(query.whole('rows') ?? ROWS, ROWS);
  query.finish();
  if (page < 1 || rows < 1 || to < from) return { refused: refusal('000002', 'illegal parameter') };
  if (to - from > LONGEST_WINDOW) return { refused: refusal('083001', 'the time range is more than 30 days') };
  return { side, from, to, page, rows };
}

/** The page of orders. */
export function body(merchant: Merchant, asked: Asked, now: number, newer: boolean): string {
  const { orders, total } = merchant.page(asked, now);
  const data = orders.map((order) => render(order, newer));
  return JSON.stringify({ code: '000000', message: newer ? null : 'success', data, total, success: true });
}
