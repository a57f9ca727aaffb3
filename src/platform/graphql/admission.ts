/** Which WebSockets are let in: bounded in all, for one address, for one access token and in a second. */
import type { IncomingMessage } from 'node:http';
import { addressOf } from '../access.ts';
import type { Config } from '../config.ts';
import { Rate } from '../exchange/rate.ts';

export type AdmissionLimits = Pick<
  Config,
  'MAX_ACCEPTS_PER_SECOND' | 'MAX_SOCKETS' | 'MAX_SOCKETS_PER_ADDRESS' | 'TRUSTED_PROXIES'
>;

/** Why a connection is refused: the setting it is over. */
export interface Refusal {
  status: 429 | 503;
  limit: keyof AdmissionLimits | 'MAX_SOCKETS_PER_KEY';
  max: number;
}

export interface Admission {
  /** Counts a connection in and returns what counts it out, or says why it is refused. */
  enter(request: IncomingMessage): (() => void) | Refusal;
}

/** Counts by name; a name that nobody is in under is forgotten. */
class Counts {
  private readonly counts = new Map<string, number>();

  of(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  /** Counts one in and returns what counts it out, once; `after` is called then. */
  enter(name: string, after?: () => void): () => void {
    this.counts.set(name, this.of(name) + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const left = this.of(name) - 1;
      if (left > 0) this.counts.set(name, left);
      else this.counts.delete(name);
      after?.();
    };
  }
}

/** Counts nobody out. */
const NOBODY = (): void => {};

export interface KeyAdmission {
  /** Counts a connection of a token in and returns what counts it out, or says why it is refused. */
  enter(key: string | undefined): (() => void) | Refusal;
}

/** Counts the connections of each access token, once it is known whose they are. A caller without one is not counted. */
export function createKeyAdmission(max: number): KeyAdmission {
  const byKey = new Counts();
  return {
    enter(key) {
      if (key === undefined) return NOBODY;
      return byKey.of(key) < max ? byKey.enter(key) : { status: 429, limit: 'MAX_SOCKETS_PER_KEY', max };
    },
  };
}

/** Nobody is in yet. */
export function createAdmission(limits: AdmissionLimits): Admission {
  const byAddress = new Counts();
  const rate = new Rate(limits.MAX_ACCEPTS_PER_SECOND);
  let total = 0;
  const left = (): void => {
    total -= 1;
  };

  const refuse = (status: Refusal['status'], limit: keyof AdmissionLimits): Refusal => ({
    status,
    limit,
    max: limits[limit],
  });

  return {
    enter(request) {
      const address = addressOf(request, limits.TRUSTED_PROXIES);
      if (total >= limits.MAX_SOCKETS) return refuse(503, 'MAX_SOCKETS');
      if (byAddress.of(address) >= limits.MAX_SOCKETS_PER_ADDRESS) return refuse(429, 'MAX_SOCKETS_PER_ADDRESS');
      if (!rate.take()) return refuse(503, 'MAX_ACCEPTS_PER_SECOND');
      total += 1;
      return byAddress.enter(address, left);
    },
  };
}
