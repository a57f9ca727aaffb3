/** What a subscription field resolves to: what is followed, from where, and how a slow reader is served. */
import type { SlowConsumerPolicy } from '../../schema/channels.ts';
import type { Cursor } from '../../schema/cursor.ts';
import type { Model, Question } from './view.ts';
import { throttleStep } from './wheel.ts';

// a stream has one question's types; its key decides which
export type AnyQuestion = Question<{ eventTime: number }, Model<{ eventTime: number }>, unknown>;

/** Arguments that are each subscriber's own: those who differ in them alone share everything else. */
export const OWN_ARGUMENTS: readonly string[] = ['after', 'onSlow', 'throttleMs', 'markets'];

/** How a subscription is served, besides what it is about. */
export interface Serving {
  /** The last event that the client has; null to begin at now. */
  after: Cursor | null;
  onSlow: SlowConsumerPolicy;
  /** Least time between two events, ms; it is rounded up to a step. */
  throttleMs: number;
}

/** Iterable only because graphql-js asks for that: its events never pass through here, see core.ts. */
export class LiveSource implements AsyncIterable<never> {
  /** The first or only question. */
  readonly question: AnyQuestion;
  readonly after: Cursor | null;
  readonly onSlow: SlowConsumerPolicy;
  /** One of THROTTLE_STEPS; 0 for every event. */
  readonly step: number;

  constructor(
    readonly questions: readonly [AnyQuestion, ...AnyQuestion[]],
    /** True where several streams are followed as one; they can't be resumed. */
    readonly isMany: boolean,
    { after, onSlow, throttleMs }: Serving,
  ) {
    [this.question] = questions;
    this.after = after;
    this.onSlow = onSlow;
    this.step = throttleStep(throttleMs);
  }

  /** What makes a difference to the events besides the operation. */
  get key(): string {
    const ids = this.isMany ? this.questions.map(({ channel, id }) => `${channel}:${id}`) : [];
    return [this.step, ...ids].join(' ');
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('a live source is followed by the live core');
  }
}

/** Follows a question from a cursor, or from now where that is null; least time between two events in ms. */
export function liveSource<P extends { eventTime: number }, M extends Model<P>, Body>(
  question: Question<P, M, Body>,
  after: Cursor | null,
  onSlow: SlowConsumerPolicy,
  throttleMs = 0,
): LiveSource {
  return new LiveSource([question as unknown as AnyQuestion], false, { after, onSlow, throttleMs });
}

/**
 * Follows several questions of one field, at least one, as one from now on. Each stream counts once, whatever the order.
 * Events of different streams must not have the same merge key.
 */
export function liveSources<P extends { eventTime: number }, M extends Model<P>, Body>(
  questions: readonly Question<P, M, Body>[],
  serving: Omit<Serving, 'after'>,
): LiveSource {
  const byId = new Map(questions.map((question) => [question.id, question as unknown as AnyQuestion]));
  const ordered = [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, question]) => question);
  return new LiveSource(ordered as [AnyQuestion, ...AnyQuestion[]], true, { ...serving, after: null });
}
