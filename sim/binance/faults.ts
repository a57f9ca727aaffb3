/** Everything that can go wrong on demand, in one place: what tests call, and what the control endpoint offers by name. */
import type { FrameFaults } from '../market/frame-faults.ts';
import type { ForcedRefusal } from './weights.ts';

export interface Faults extends Pick<FrameFaults, 'stall' | 'resume' | 'skip' | 'duplicate' | 'reorder' | 'malform'> {
  /** The next `count` REST requests (whose path contains `path`) are refused with `status` and Retry-After. */
  refuseRest(refusal: ForcedRefusal): void;
  /** REST requests are taken but not answered for `ms`. */
  stallRest(ms: number): void;
  /** The connections of now neither read nor write any more, but stay open. */
  halfOpen(): void;
  /** The connections of now are reset (RST). */
  reset(): void;
  /** The connections of now are closed properly with `code` (default 1001). */
  disconnect(code?: number): void;
  /** New connections are refused (nothing listens) for `ms`; those of now stay. */
  refuseConnections(ms: number): Promise<void>;
  /** As at the 24 h mark or before maintenance: the serverShutdown event, and `noticeMs` later the close. */
  plannedDisconnect(noticeMs?: number): Promise<void>;
  /** Event times and the server's clock are off by `ms`. */
  clockSkew(ms: number): void;
}
