/** Those who see one stream in one way, and what they were told lately: from there a short absence is made good. */
import { CursorPen } from '../../schema/cursor-pen.ts';
import type { StreamEntry, StreamPosition } from '../platform/live/store.ts';
import type { Delivery, Gap } from './delivery.ts';
import { type Filter, FilterIndex } from './filter.ts';
import { Pages } from './pages.ts';
import type { Stall } from './stall.ts';
import type { View } from './view.ts';

/** A cohort, as the stream sees it. `stream` is named to those who follow several. */
export interface Listener<Body> {
  deliver(delivery: Delivery<Body>): void;
  /** Something is missing for those who listen now, before the next event. */
  missing(gap: Gap, upTo: bigint | null, stream?: string): void;
  /** What was told before no longer holds; `state` does, or will be told with the next event where it is null. */
  reset(state: Delivery<Body> | null, gap: Gap | null, stream?: string): void;
  /** Nothing new may come for now, or that is over. */
  stalled(stall: Stall | null): void;
  end(): void;
}

export interface AudienceOptions<Payload, Body> {
  stream: string;
  view: View<Payload, Body>;
  /** Events remembered at most. */
  remembers: number;
  /** Where the stream stands. */
  at: StreamPosition;
  read(after: bigint, count: number): Promise<StreamEntry[]>;
}

function placeOf(one: Delivery<unknown> | StreamPosition): StreamPosition {
  return 'at' in one ? one.at : { epoch: one.epoch, sequence: one.sequence };
}

export class Audience<Payload extends { eventTime: number }, Body> {
  readonly listeners = new Set<Listener<Body>>();
  readonly view: View<Payload, Body>;
  /** Older events from the store; null where entries mean nothing by themselves. */
  readonly pages: Pages<Body> | null;
  private readonly stream: string;
  private readonly pen: CursorPen;
  /** Those who want every event, and those who want some. */
  private readonly eager = new Set<Listener<Body>>();
  private picky: FilterIndex<Body, Listener<Body>> | null = null;
  /**
   * What was told, oldest first. As an entry of the stream where it means the same by itself: hardly anybody comes back, and
   * the store that is read has the text anyway. One that somebody came back for stays made.
   */
  private recent: (Delivery<Body> | StreamEntry)[] = [];
  /** The place before the oldest event remembered. */
  private base: StreamPosition;
  /** The state last asked for: many join at the same place. */
  private shown: Delivery<Body> | null = null;

  private readonly remembers: number;

  constructor({ view, read, at, stream, remembers }: AudienceOptions<Payload, Body>) {
    this.remembers = remembers;
    this.view = view;
    this.base = at;
    this.stream = stream;
    this.pen = new CursorPen(stream);
    const { replay } = view;
    this.pages = replay ? new Pages(read, (entry) => this.replayed(entry, replay)) : null;
  }

  add(listener: Listener<Body>, filter?: Filter<Body>): void {
    this.listeners.add(listener);
    if (!filter) this.eager.add(listener);
    else {
      this.picky ??= new FilterIndex(filter.keys);
      this.picky.add(listener, filter.wanted);
    }
  }

  /** `filter` as it was added with. */
  delete(listener: Listener<Body>, filter?: Filter<Body>): void {
    this.listeners.delete(listener);
    this.eager.delete(listener);
    if (filter) this.picky?.delete(listener, filter.wanted);
  }

  /** Tells an event, its entry at `at`, to everybody who wants it. `gap` is what is missing before it. */
  publish(entry: StreamEntry, at: StreamPosition, payload: Payload, gap: Gap | null, logged: number | null): void {
    const body = this.view.next(payload);
    if (body === null) {
      // nothing to tell from, so nothing to resume from
      this.forget(at);
      return;
    }
    const delivery = this.delivery(at, body, gap, payload.eventTime, logged);
    this.recent.push(this.pages && gap === null ? entry : delivery);
    if (this.recent.length >= this.remembers * 2) {
      const old = this.recent.splice(0, this.recent.length - this.remembers);
      this.base = placeOf(old.at(-1) ?? this.base);
    }
    for (const listener of this.eager) listener.deliver(delivery);
    if (!this.picky) return;
    const told = gap ? new Set(this.eager) : null;
    this.picky.find(body, (listener) => {
      told?.add(listener);
      listener.deliver(delivery);
    });
    // what is missing may have been for those, too, who don't want this one
    if (gap) for (const listener of this.listeners) if (!told?.has(listener)) listener.missing(gap, null);
  }

  /** The whole state as an event of the place `at`; null where there is none. */
  state(at: StreamPosition): Delivery<Body> | null {
    if (this.shown?.at === at) return this.shown;
    const state = this.view.snapshot();
    this.shown = state && this.delivery(at, state.body, null, null);
    return this.shown;
  }

  /** Everything that was told after a place; null where that is not remembered. */
  after({ epoch, sequence }: StreamPosition): readonly Delivery<Body>[] | null {
    const is = (at: StreamPosition): boolean => at.sequence === sequence && at.epoch === epoch;
    const index = is(this.base) ? -1 : this.recent.findLastIndex((one) => is(placeOf(one)));
    if (index < 0 && !is(this.base)) return null;
    const told: Delivery<Body>[] = [];
    for (let i = index + 1; i < this.recent.length; i++) {
      const one = this.made(i);
      if (!one) return null;
      told.push(one);
    }
    return told;
  }

  /** What was told before `at` does not lead to what comes after it. */
  forget(at: StreamPosition): void {
    this.recent = [];
    this.base = at;
    this.shown = null;
  }

  /** The event at an index of those remembered: the same one for all who ask. */
  private made(index: number): Delivery<Body> | null {
    const one = this.recent[index];
    const { replay } = this.view;
    if (!one || !('payload' in one)) return one ?? null;
    if (!replay) return null;
    const delivery = this.replayed(one, replay);
    if (delivery) this.recent[index] = delivery;
    return delivery;
  }

  private delivery(
    at: StreamPosition,
    body: Body,
    gap: Gap | null,
    eventTime: number | null,
    logged: number | null = null,
  ): Delivery<Body> {
    const cursor = this.pen.write(at.epoch, at.sequence);
    return { stream: this.stream, at, cursor, gap, body, eventTime, logged };
  }

  private replayed(entry: StreamEntry, replay: (payload: Payload) => Body): Delivery<Body> | null {
    try {
      const payload = JSON.parse(entry.payload) as Payload;
      const gap = entry.gap === null ? null : (JSON.parse(entry.gap) as Gap);
      return this.delivery(placeOf(entry), replay(payload), gap, payload.eventTime);
    } catch {
      return null;
    }
  }
}
