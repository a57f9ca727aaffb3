/** Where LANDING_URL says that the landing store is. */

export interface FolderPlace {
  kind: 'folder';
  path: string;
}

export interface S3Place {
  kind: 's3';
  /** Base of the server; null for AWS's own, or what AWS_ENDPOINT_URL_S3 says. */
  endpoint: string | null;
  region: string | null;
  bucket: string;
  /** '' or ends with a slash. */
  prefix: string;
  /** Null: those of the environment (AWS_ACCESS_KEY_ID, a profile, a role of the machine). */
  credentials: { key: string; secret: string } | null;
}

export type LandingPlace = FolderPlace | S3Place;

const SPELLINGS =
  's3://bucket/prefix, s3://key:secret@host/bucket/prefix (percent-encoded; ?tls=off, ?region=name) or file:///folder';
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/;
/** What MinIO and GCS take, too, where the signature must name one. */
const ANY_REGION = 'us-east-1';

/**
 * The place of a LANDING_URL; undefined for empty. Throws Error without the text, which may hold a secret: `s3://key:secret@host/bucket`
 * is any S3-compatible server (MinIO, storage.googleapis.com with an HMAC key), `s3://bucket` is AWS.
 */
export function landingPlace(text: string): LandingPlace | undefined {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'file:' && url.host === '') return { kind: 'folder', path: decodeURIComponent(url.pathname) };
  if (url?.protocol !== 's3:' || url.hostname === '') throw new Error(`must be ${SPELLINGS}`);
  const path = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const own = url.username !== '';
  if (own !== (url.password !== '')) throw new Error(`a key needs its secret: ${SPELLINGS}`);
  const bucket = own ? path.shift() : url.hostname;
  if (!bucket || !BUCKET.test(bucket)) throw new Error(`names no bucket: ${SPELLINGS}`);
  const tls = url.searchParams.get('tls') ?? 'on';
  if (tls !== 'on' && tls !== 'off') throw new Error('tls must be on or off');
  return {
    kind: 's3',
    endpoint: own ? `${tls === 'on' ? 'https' : 'http'}://${url.host}` : null,
    region: url.searchParams.get('region') ?? (own ? ANY_REGION : null),
    bucket,
    prefix: path.length > 0 ? `${path.join('/')}/` : '',
    credentials: own ? { key: decodeURIComponent(url.username), secret: decodeURIComponent(url.password) } : null,
  };
}
