/** Everything that can go wrong on demand, in one place: what tests call, and what the control endpoint offers by name. */
import type { CommonFaults } from '../stand-in.ts';
import type { ForcedRefusal } from './pool.ts';

/** Streams are topics, e.g. "/market/level2:BTC-USDT"; the clock's skew leaves the times of trades as they are. */
export interface OwnFaults {
  /** The next `count` REST requests (whose path contains `path`) are refused. */
  refuseRest(refusal: ForcedRefusal): void;
  /** The connections of now get an error frame and are closed: 509 "service busy, please retry later" where left out. */
  refuseSessions(code?: number, data?: string): void;
}

export type Faults = CommonFaults & OwnFaults;
