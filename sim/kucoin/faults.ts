/** Everything that can go wrong on demand, in one place: what tests call, and what the control endpoint offers by name. */
import type { FrameFaults } from '../market/frame-faults.ts';
import type { ForcedRefusal } from './pool.ts';

/** Of frames a match is a part of their topic, e.g. "/market/level2:BTC-USDT"; '' is every topic. */
export interface Faults extends Pick<FrameFaults, 'stall' | 'resume' | 'skip' | 'duplicate' | 'reorder' | 'malform'> {
  /** The next `count` REST requests (whose path contains `path`) are refused. */
  refuseRest(refusal: ForcedRefusal): void;
  /** REST requests are taken but not answered for `ms`. */
  stallRest(ms: number): void;
  /** The connections of now neither read nor write any more, but stay open. */
  halfOpen(): void;
  /** The connections of now are reset (RST). */
  reset(): void;
  /** The connections of now are closed properly with `code` (default 1000). */
  disconnect(code?: number): void;
  /** New connections are refused (nothing listens) for `ms`; those of now stay. */
  refuseConnections(ms: number): Promise<void>;
  /** The connections of now get an error frame and are closed: 509 "service busy, please retry later" where left out. */
  refuseSessions(code?: number, data?: string): void;
  /** Event times (but those of trades) and the server's clock are off by `ms`. */
  clockSkew(ms: number): void;
}
