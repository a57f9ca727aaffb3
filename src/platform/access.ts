/**
 * Who is calling: bearer token → role, and which web pages may call at all. Until accounts exist the tokens are those of
 * ACCESS_TOKENS and of ACCESS_TOKENS_FILE.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback } from './config.ts';
import type { AccessToken, Role } from './setting.ts';

export interface Caller {
  readonly role: Role;
  /** True for a caller that needs no token because only this machine reaches the server. */
  readonly local: boolean;
  /** Names the credential without telling it; left out for a caller without one. */
  readonly key?: string;
}

export interface Access {
  /** The caller of a request, by its `authorization` header or the `token` given apart; null where it must be refused. */
  identify(request: IncomingMessage, token?: string): Caller | null;
  /** False from the moment on that the caller's credential is revoked or has expired. */
  isValid(caller: Caller): boolean;
  /** False for a request that a web page of a foreign origin makes. */
  originAllowed(request: IncomingMessage): boolean;
  /** True where the caller may see the schema: introspection and suggestions in error messages. */
  maySeeSchema(caller: Caller): boolean;
}

export interface AccessOptions {
  tokens: readonly AccessToken[];
  /** More tokens, which may change while the process runs. */
  file?: { readonly tokens: readonly AccessToken[] };
  /** Address that the server is bound to. */
  host: string;
  /** Origins besides the server's own, e.g. `https://charts.example`; `*` allows every one. */
  allowedOrigins: readonly string[];
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The credentials of an `Authorization: Bearer …` header (or of the bare token); undefined where there are none. */
export function bearerToken(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  return value.trim().replace(/^bearer +/i, '');
}

/** The token that a client sends with `connection_init`: authorization (any case of the name) or token. */
export function connectionToken(params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const names = Object.keys(params ?? {});
  const name = names.find((n) => n.toLowerCase() === 'authorization') ?? names.find((n) => n === 'token');
  return name === undefined ? undefined : bearerToken(params?.[name]);
}

/** Host name of a `Host` header or URL authority, without port and brackets. */
function hostname(authority: string | undefined): string {
  const url = `http://${authority}`;
  return authority && URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
}

/** Address of the client: the peer's, or what the first of `proxies` trusted ones in front of us saw. */
export function addressOf({ headers, socket }: IncomingMessage, proxies: number): string {
  const seen = String(headers['x-forwarded-for'] ?? '').split(',');
  const told = proxies > 0 ? seen.at(-proxies)?.trim() : undefined;
  return (told || socket.remoteAddress || '').replace(/^::ffff:/, '');
}

interface Known {
  digest: Buffer;
  caller: { role: Role; local: false; key: string };
  expiresAt: number;
}

function knownOf({ token, role, expiresAt = Number.POSITIVE_INFINITY }: AccessToken): Known {
  const hash = digest(token);
  return { digest: hash, caller: { role, local: false, key: hash.toString('hex', 0, 8) }, expiresAt };
}

/** The rules of a server bound to `host`. */
export function createAccess({ tokens, file, host, allowedOrigins }: AccessOptions): Access {
  let read: readonly AccessToken[] | undefined;
  let known: Known[] = [];
  let byKey = new Map<string, Known>();
  const bound = isLoopback(host);

  function current(): readonly Known[] {
    if (known.length === 0 || read !== file?.tokens) {
      read = file?.tokens;
      known = [...tokens, ...(read ?? [])].map(knownOf);
      byKey = new Map(known.map((one) => [one.caller.key, one]));
    }
    return known;
  }

  /** Compares with every token, whether or not one matched already: the time taken tells nothing. */
  function byToken(token: string): Caller | null {
    const presented = digest(token);
    let found: Known | null = null;
    for (const one of current()) if (timingSafeEqual(one.digest, presented)) found = one;
    return found && Date.now() < found.expiresAt ? found.caller : null;
  }

  /**
   * True for a peer on this machine that speaks to us directly: not through a proxy, which would make every stranger
   * local, nor from a page whose name was rebound to a loopback address, which the Host header gives away.
   */
  function isLocal({ headers, socket }: IncomingMessage): boolean {
    const proxied = headers['x-forwarded-for'] ?? headers.forwarded ?? headers['x-real-ip'];
    return (
      bound && isLoopback(socket.remoteAddress ?? '') && proxied === undefined && isLoopback(hostname(headers.host))
    );
  }

  return {
    identify(request, token = bearerToken(request.headers.authorization)) {
      if (token !== undefined) return byToken(token);
      return isLocal(request) ? { role: 'admin', local: true } : null;
    },
    isValid({ key, role }) {
      if (key === undefined) return true;
      current();
      const now = byKey.get(key);
      return now !== undefined && now.caller.role === role && Date.now() < now.expiresAt;
    },
    originAllowed({ headers }) {
      const { origin } = headers;
      if (origin === undefined || allowedOrigins.includes('*') || allowedOrigins.includes(origin)) return true;
      if (!URL.canParse(origin)) return false;
      const from = new URL(origin);
      return from.host === headers.host || (bound && isLoopback(from.hostname.replace(/^\[|\]$/g, '')));
    },
    maySeeSchema: (caller) => caller.role === 'admin' || bound,
  };
}
