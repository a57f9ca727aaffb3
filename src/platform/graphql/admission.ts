/** Which WebSockets are let in: bounded in all, for one address and in a second. */
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
  limit: keyof AdmissionLimits;
  max: number;
}

export interface Admission {
  /** Counts a connection in and returns what counts it out, or says why it is refused. */
  enter(request: IncomingMessage): (() => void) | Refusal;
}

/** Nobody is in yet. */
export function createAdmission(limits: AdmissionLimits): Admission {
  const byAddress = new Map<string, number>();
  const rate = new Rate(limits.MAX_ACCEPTS_PER_SECOND);
  let total = 0;

  const refuse = (status: Refusal['status'], limit: Refusal['limit']): Refusal => ({
    status,
    limit,
    max: limits[limit],
  });

  return {
    enter(request) {
      const address = addressOf(request, limits.TRUSTED_PROXIES);
      const known = byAddress.get(address) ?? 0;
      if (total >= limits.MAX_SOCKETS) return refuse(503, 'MAX_SOCKETS');
      if (known >= limits.MAX_SOCKETS_PER_ADDRESS) return refuse(429, 'MAX_SOCKETS_PER_ADDRESS');
      if (!rate.take()) return refuse(503, 'MAX_ACCEPTS_PER_SECOND');
      total += 1;
      byAddress.set(address, known + 1);
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        total -= 1;
        const left = (byAddress.get(address) ?? 1) - 1;
        if (left > 0) byAddress.set(address, left);
        else byAddress.delete(address);
      };
    },
  };
}
