/** What a subscription field resolves to: what is followed, from where, and how a slow reader is served. */
import type { SlowConsumerPolicy } from '../../schema/channels.ts';
import type { Cursor } from '../../schema/cursor.ts';
import type { Model, Question } from './view.ts';

// a stream has one question's types; its key decides which
export type AnyQuestion = Question<{ eventTime: number }, Model<{ eventTime: number }>, unknown>;

/** Arguments that are each subscriber's own: those who differ in them alone share everything else. */
export const OWN_ARGUMENTS: readonly string[] = ['after', 'onSlow'];

/** Iterable only because graphql-js asks for that: its events never pass through here, see core.ts. */
export class LiveSource implements AsyncIterable<never> {
  constructor(
    readonly question: AnyQuestion,
    readonly after: Cursor | null,
    readonly onSlow: SlowConsumerPolicy,
  ) {}

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('a live source is followed by the live core');
  }
}

/** Follows a question from a cursor, or from now where that is null. */
export function liveSource<P extends { eventTime: number }, M extends Model<P>, Body>(
  question: Question<P, M, Body>,
  after: Cursor | null,
  onSlow: SlowConsumerPolicy,
): LiveSource {
  return new LiveSource(question as unknown as AnyQuestion, after, onSlow);
}
