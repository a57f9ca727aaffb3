/** Signing of Binance's requests: HMAC-SHA256 of the percent-encoded query, in hex, appended as the last parameter. */
import { createHmac } from 'node:crypto';

export type Params = Readonly<Record<string, string | number>>;

// encodeURIComponent leaves these as they are; RFC 3986 reserves them
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The query of the parameters in their order, percent-encoded: what is signed is what is sent. */
export function queryOf(params: Params): string {
  return Object.entries(params)
    .map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`)
    .join('&');
}

/** Signature of a query, hex. */
export function signatureOf(query: string, secret: string): string {
  return createHmac('sha256', secret).update(query).digest('hex');
}

/** The query with its signature. */
export function signedQuery(params: Params, secret: string): string {
  const query = queryOf(params);
  return `${query}&signature=${signatureOf(query, secret)}`;
}
