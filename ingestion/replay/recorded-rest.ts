/** REST answered from a recording: a call gets what was answered to the same question, when the recording comes to it. */
import type { RawFrame } from '../../schema/topics.ts';
import { type ExchangeRest, RestFailed, type RestReply } from '../../src/platform/exchange/rest.ts';
import { pause } from '../../src/platform/retry.ts';

/** How long the recording may take to come to an answer, ms. */
const PATIENCE_MS = 10_000;
/** Answers to a question that nobody has asked yet; the oldest go first. */
const MAX_EARLY = 100;

export interface RecordedRest extends ExchangeRest {
  /** The recording comes to an answer. */
  answer(frame: RawFrame): void;
}

interface Question {
  waiting: ((reply: RestReply) => void)[];
  early: RestReply[];
}

/** The REST of one market. */
export function createRecordedRest(): RecordedRest {
  const questions = new Map<string, Question>();

  function questionOf(path: string): Question {
    const known = questions.get(path) ?? { waiting: [], early: [] };
    questions.set(path, known);
    return known;
  }

  return {
    answer({ endpoint, callId, callTs, receivedAt, bytes }) {
      const reply = { body: bytes, callId: callId ?? '', callTs: callTs ?? receivedAt, receivedAt };
      const { waiting, early } = questionOf(endpoint ?? '');
      const asker = waiting.shift();
      if (asker) return asker(reply);
      early.push(reply);
      if (early.length > MAX_EARLY) early.shift();
    },
    async call({ path }, signal) {
      const question = questionOf(path);
      const known = question.early.shift();
      if (known) return known;
      const answered = Promise.withResolvers<RestReply>();
      question.waiting.push(answered.resolve);
      const bound = AbortSignal.any([signal]);
      const late = pause(PATIENCE_MS, bound).then((): never => {
        question.waiting = question.waiting.filter((asker) => asker !== answered.resolve);
        signal.throwIfAborted();
        throw new RestFailed('the recording has no answer', null);
      });
      return Promise.race([answered.promise, late]);
    },
    pause() {},
    silentFor: () => 0,
    divide() {},
  };
}
