/** What a live channel adds to the plain append. One view per assigned source partition. */
import type { AppendResult, LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import type { Item, WorkBatch } from '../workers/worker.ts';

/** An event and what its views and the append all need of it. */
export interface LiveItem<P> extends Item<P> {
  /** Where it belongs. */
  readonly stream: string;
  /** The payload's JSON. */
  readonly json: string;
}

/** How an event is published. */
export interface Publication {
  writes: LiveWrite[];
  /** Something before it is missing on the stream. */
  gap?: boolean;
  /** It is appended whatever its rank: the sequence it is ranked by began anew. */
  restart?: boolean;
}

/**
 * Why an event is not: it says nothing new, can't be joined to what was published, or is older than what was, so that the
 * next one tells that it is missing.
 */
export type Withheld = 'repeat' | 'held' | 'late';

export interface Planned<P> {
  item: LiveItem<P>;
  publication: Publication;
}

export interface LiveView<P> {
  /** Brings in what is needed to plan the items: state of streams not seen so far. */
  load?(items: readonly LiveItem<P>[]): Promise<void>;
  /** Decides on the next event of the partition. */
  plan(item: LiveItem<P>): Publication | Withheld;
  /** Adds what depends on the whole batch, before it is written. */
  complete?(planned: readonly Planned<P>[]): void;
  /** The batch's write failed: state must be as before its first `plan`. */
  undo?(): void;
  /** The batch is written; `results` are in the order of `planned`. What this does must bear repetition. */
  settle?(planned: readonly Planned<P>[], results: readonly AppendResult[], batch: WorkBatch): Promise<void>;
  /** The partition is given up: nothing may be written any more. */
  close?(): void;
  /** Where reading must begin to have the view's state back, given that everything before `next` is done. */
  replayFrom?(next: bigint): bigint;
}

/** Makes the view of one partition. */
export type MakeView<P> = (store: LiveStore) => LiveView<P>;

/** A view without state: every event is published, with these writes. */
export function plainView<P>(writes: (payload: P, json: string) => LiveWrite[]): MakeView<P> {
  return () => ({ plan: ({ payload, json }) => ({ writes: writes(payload, json) }) });
}
