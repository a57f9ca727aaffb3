/** Everything that can go wrong on demand, in one place: what tests call, and what the control endpoint offers by name. */
import type { CommonFaults } from '../stand-in.ts';
import type { ForcedRefusal } from './weights.ts';

export interface OwnFaults {
  /** The next `count` REST requests (whose path contains `path`) are refused with `status` and Retry-After. */
  refuseRest(refusal: ForcedRefusal): void;
  /** As at the 24 h mark or before maintenance: the serverShutdown event, and `noticeMs` later the close. */
  plannedDisconnect(noticeMs?: number): Promise<void>;
}

export type Faults = CommonFaults & OwnFaults;
