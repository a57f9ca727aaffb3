/**
 * Several streams that one cohort follows as one: every event is one stream's, with that stream's cursor and sequence.
 * Whoever joins gets each stream's state at now.
 */
import type { Audience, Listener } from './audience.ts';
import type { Delivery } from './delivery.ts';
import type { Hub } from './hub.ts';
import type { AnyQuestion } from './source.ts';
import type { AnyStage } from './stage.ts';
import type { Stall } from './stall.ts';

type AnyAudience = Audience<{ eventTime: number }, unknown>;

interface Part {
  stage: AnyStage;
  question: AnyQuestion;
  listener: Listener<unknown>;
  audience: AnyAudience;
}

/** A listener to many streams as a listener to each. */
function partOf(whole: Listener<unknown>, stream: string, onStall: () => void): Listener<unknown> {
  return {
    deliver: (delivery) => whole.deliver(delivery),
    // the numbers of one stream say nothing about the others
    missing: (gap) => whole.missing(gap, null, stream),
    reset: (state, gap) => whole.reset(state, gap, stream),
    stalled: onStall,
    end: () => whole.end(),
  };
}

export class Ensemble {
  private parts: Part[] = [];
  private told: Stall | null = null;

  /** Of stages that are ready, one for each question. */
  constructor(
    readonly stages: readonly AnyStage[],
    private readonly questions: readonly AnyQuestion[],
  ) {}

  /** Joins every stage at once. Returns the first one's audience. */
  join(_question: AnyQuestion, whole: Listener<unknown>): AnyAudience {
    const onStall = (): void => {
      const { stalled } = this;
      if (stalled?.reason === this.told?.reason && stalled?.since === this.told?.since) return;
      this.told = stalled;
      whole.stalled(stalled);
    };
    this.parts = this.stages.map((stage, i) => {
      const question = this.questions[i] as AnyQuestion;
      const listener = partOf(whole, stage.stream, onStall);
      return { stage, question, listener, audience: stage.join(question, listener) };
    });
    return (this.parts[0] as Part).audience;
  }

  /** True where the other one follows the very same stages. */
  isSame(other: unknown): boolean {
    return other instanceof Ensemble && this.stages.every((stage, i) => other.stages[i] === stage);
  }

  /** Leaves every stage. */
  leave(): void {
    for (const { stage, question, listener } of this.parts.splice(0)) stage.leave(question, listener);
  }

  /** What is told of the stream that is stalled for longest; null where none is. */
  get stalled(): Stall | null {
    const stalls = this.stages.map(({ stalled }) => stalled).filter((stall) => stall !== null);
    return stalls.sort((a, b) => (a.since < b.since ? -1 : 1))[0] ?? null;
  }

  /** Each stream's state now, in the order of the questions; left out where there is none. */
  states(): Delivery<unknown>[] {
    return this.parts.map(({ stage, audience }) => stage.stateOf(audience)).filter((state) => state !== null);
  }
}

/**
 * The ensemble of the questions, with every state. Join it, or one that is the same, at once.
 * Rejects with LiveStoreUnavailable.
 */
export async function openEnsemble(hub: Pick<Hub, 'open'>, questions: readonly AnyQuestion[]): Promise<Ensemble> {
  for (;;) {
    const opened = await Promise.allSettled(questions.map((question) => hub.open(question)));
    const stages = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = opened.find((one) => one.status === 'rejected');
    if (failed) {
      for (const stage of stages) stage.leaveUnwatched();
      throw failed.reason;
    }
    // the last watcher of one may have left while we waited for the others
    if (stages.some(({ isEnded }) => isEnded)) continue;
    return new Ensemble(stages, questions);
  }
}
