/**
 * Answers of the C2C API. Its own shape `{code:"000000",message,data,total,success}`, in two generations: the older without
 * the newer fields of an order, the newer also with `message` null; and the gateway's `{code:-1021,msg}`.
 */

/** The API refused a request. `code` is a number from the gateway, text from the API itself. The text names nobody. */
export class C2cRefused extends Error {
  override readonly name = 'C2cRefused';
  constructor(
    readonly code: number | string,
    message: string,
  ) {
    super(`Binance C2C ${code}: ${message}`.slice(0, 200));
  }
}

/** An answer that says neither orders nor an error. */
export class BadC2cAnswer extends Error {
  override readonly name = 'BadC2cAnswer';
}

export interface C2cPage {
  /** As received, not checked. */
  orders: readonly unknown[];
  /** How many there are on all pages; null where it is not said. */
  total: number | null;
}

const SUCCESS = '000000';

/** Texts of the exchange's own only: what else an answer has may name people. */
function words(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 120) : 'no reason given';
}

/** The page that an answer's text says. Throws C2cRefused for either shape of error, BadC2cAnswer for anything else. */
export function readPage(text: string): C2cPage {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new BadC2cAnswer('the answer is not JSON');
  }
  if (typeof body !== 'object' || body === null) throw new BadC2cAnswer('the answer is not an object');
  const { code, success, data, total } = body;
  if (typeof code === 'number' && code < 0) throw new C2cRefused(code, words(body.msg));
  if (typeof code === 'string' && (code !== SUCCESS || success === false)) {
    throw new C2cRefused(code, words(body.message ?? body.msg));
  }
  if (code !== SUCCESS || success !== true) throw new BadC2cAnswer('the answer has no code');
  // an empty page has been seen as null
  const orders = data ?? [];
  if (!Array.isArray(orders)) throw new BadC2cAnswer('data is not a list');
  return { orders, total: Number.isSafeInteger(total) && (total as number) >= 0 ? (total as number) : null };
}
