/**
 * How the entries of a stream become the events of a subscription. A model is the state that a stream amounts to, one a
 * stream; a view is what the subscribers of one kind see of it, worked out once for all of them.
 */
import type { ChannelName } from '../../schema/channels.ts';
import type { Filter } from './filter.ts';

/** State folded from a stream's newest value and the entries after it. */
export interface Model<Payload> {
  /** Begins anew: from the value of the latest key, or from nothing. Throws where the value is unreadable. */
  reset(value: string | null): void;
  /** Takes the next entry. */
  apply(payload: Payload): void;
  /** True when the state would do with a fresh newest value: what is shown of it may not be all there is. */
  wantsRefresh?(): boolean;
}

export interface View<Payload, Body> {
  /** The whole state now; null where there is none yet, or the channel has none. */
  snapshot(): { body: Body } | null;
  /** What the entry that the model has just taken means here; null while there is nothing to tell. */
  next(payload: Payload): Body | null;
  /** What an entry means by itself, without the state before it; left out where it means nothing then. */
  replay?(payload: Payload): Body;
  /** The model began anew. */
  reset(): void;
}

/** What subscribers have been told, where a merged event may hold less for them than for those who join meanwhile. */
export interface Mirror<Body> {
  /** This was told. */
  take(body: Body): void;
  /** The event without what the subscribers have already. */
  trim(body: Body): Body;
  /** What the subscribers have is not known, until something whole is told. */
  forget(): void;
}

/** What one subscription follows. Two with the same stream and `view` see the same events. */
export interface Question<Payload extends { eventTime: number }, M extends Model<Payload>, Body> {
  /** The subscription's name, for the metrics. */
  readonly field: string;
  readonly channel: ChannelName;
  /** The stream within the channel. */
  readonly id: string;
  /** Where the live store keeps the newest value; null for a channel without one. */
  readonly latestKey: string | null;
  readonly view: string;
  /** Left out where everybody who sees the view wants every event. */
  readonly filter?: Filter<Body>;
  createModel(): M;
  createView(model: M): View<Payload, Body>;
  /** The event's content as the field's type has it. */
  contentOf(body: Body): object;
  /** Waiting events with the same key are merged for a slow subscriber; null for one that must not be. */
  mergeKey(body: Body): string | null;
  /** One event that leaves a client where the two would; left out where the later alone does. */
  merge?(older: Body, newer: Body): Body;
  /** Left out where a merged event is what its newest part is. */
  createMirror?(): Mirror<Body>;
}

/** The newest event is the state: candles and tickers. */
export class NewestEvent<Payload> implements Model<Payload> {
  newest: Payload | null = null;

  reset(value: string | null): void {
    this.newest = value === null ? null : (JSON.parse(value) as Payload);
  }

  apply(payload: Payload): void {
    this.newest = payload;
  }
}

/** Shows every event as it is. */
export function wholeEvents<Payload>(model: NewestEvent<Payload>): View<Payload, Payload> {
  return {
    snapshot: () => (model.newest === null ? null : { body: model.newest }),
    next: (payload) => payload,
    replay: (payload) => payload,
    reset() {},
  };
}

/** No state: what happened before is history. */
export class NoState<Payload> implements Model<Payload> {
  reset(): void {}
  apply(): void {}
}

/** Shows every event as it is, beginning with the next one. */
export function nextEvents<Payload>(): View<Payload, Payload> {
  return { snapshot: () => null, next: (payload) => payload, replay: (payload) => payload, reset() {} };
}
