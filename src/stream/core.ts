/**
 * The live core: GraphQL subscriptions on live streams. Who asks the same shares one execution of each event; events go to
 * the connection's outlet, and the protocol keeps what begins and ends a subscription.
 */
import { createSourceEventStream, type ExecutionResult, GraphQLError } from 'graphql';
import { streamKey } from '../../schema/channels.ts';
import { isCursorOf } from '../../schema/cursor.ts';
import { badInput, type ErrorCode } from '../../schema/errors.ts';
import type { Caller } from '../platform/access.ts';
import { Rate } from '../platform/exchange/rate.ts';
import { overLimit } from '../platform/graphql/limits.ts';
import type { Subscribe, SubscribeArgs } from '../platform/graphql/subscribe.ts';
import { LiveStoreUnavailable } from '../platform/live/store.ts';
import { metrics } from '../platform/metrics.ts';
import type { Platform, Running } from '../platform/platform.ts';
import { Cohort } from './cohort.ts';
import { END } from './company.ts';
import { Ensemble, openEnsemble } from './ensemble.ts';
import { eventDocument } from './event-document.ts';
import { type Hub, startHub } from './hub.ts';
import { operationKey } from './operation-key.ts';
import { resume } from './resume.ts';
import { LiveSource, OWN_ARGUMENTS } from './source.ts';
import { Subscriber } from './subscriber.ts';
import { Wheel } from './wheel.ts';

export interface LiveCore extends Running {
  /** graphql-js's `subscribe`, for fields that resolve to a `LiveSource`. */
  readonly subscribe: Subscribe;
  readonly hub: Hub;
  /** Questions asked now. */
  readonly cohorts: number;
}

export interface LiveCoreOptions {
  platform: Pick<Platform, 'live' | 'log' | 'config'>;
  /** What the resolvers of events are given: a role, and nothing else of who asks. */
  contextOf(scope: Pick<Caller, 'role'>): object;
}

/** The protocol's side of a subscriber: yields nothing, ends with it, and ends it. */
class Seat implements AsyncGenerator<ExecutionResult, void, void> {
  constructor(private readonly subscriber: Subscriber<unknown>) {}

  next(): Promise<typeof END> {
    this.subscriber.open();
    return new Promise((done, fail) => this.subscriber.whenEnded(done, fail));
  }

  async return(): Promise<typeof END> {
    this.subscriber.end();
    return END;
  }

  async throw(error: unknown): Promise<never> {
    this.subscriber.end(error instanceof Error ? error : undefined);
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subscriber.end();
  }
}

/** The error that a client gets; anything but the store's silence stays what it is. */
function told(error: unknown): Error {
  if (error instanceof LiveStoreUnavailable) {
    const extensions = { code: 'STORE_UNAVAILABLE' satisfies ErrorCode, store: 'live' };
    return new GraphQLError('the live store does not answer; try again', { originalError: error, extensions });
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** Starts with nothing followed. Ended, it ends every subscription. */
export function startLiveCore({ platform, contextOf }: LiveCoreOptions): LiveCore {
  const { config, log } = platform;
  const hub = startHub(platform);
  const cohorts = new Map<string, Cohort>();
  const wheel = new Wheel();
  const resumes = new Rate(config.MAX_RESUMES_PER_SECOND);

  async function cohortOf(source: LiveSource, args: SubscribeArgs): Promise<Cohort> {
    const { question, questions, isMany } = source;
    const { role } = args.caller;
    const key = `${role}\n${source.key}\n${operationKey(args, OWN_ARGUMENTS)}`;
    const max = config.MAX_COHORTS;
    const isOver = cohorts.size >= max || (isMany && hub.followed + questions.length > max);
    if (!cohorts.has(key) && isOver) {
      throw overLimit('LIMIT_EXCEEDED', 'Too many different questions', 'MAX_COHORTS', max);
    }
    const stage = isMany ? await openEnsemble(hub, questions) : await hub.open(question);
    const known = cohorts.get(key);
    if (known && (known.stage === stage || (stage instanceof Ensemble && stage.isSame(known.stage)))) return known;
    const { schema, operationName, variableValues } = args;
    const document = isMany ? eventDocument(args.document) : args.document;
    const cohort = new Cohort({
      question,
      stage,
      step: source.step,
      wheel,
      max: config.MAX_SUBSCRIBER_QUEUE,
      operation: { schema, document, operationName, variableValues, contextValue: contextOf({ role }) },
      log,
      onEmpty() {
        if (cohorts.get(key) === cohort) cohorts.delete(key);
      },
    });
    cohorts.set(key, cohort);
    return cohort;
  }

  async function follow(source: LiveSource, args: SubscribeArgs): Promise<Subscriber<unknown>> {
    const { question, isMany, onSlow } = source;
    const after = isMany ? null : (args.after ?? source.after);
    const { field } = question;
    if (after && !resumes.take()) {
      const max = config.MAX_RESUMES_PER_SECOND;
      throw overLimit('LIMIT_EXCEEDED', 'Too many resume at once; try again', 'MAX_RESUMES_PER_SECOND', max);
    }
    const cohort = await cohortOf(source, args);
    const { stage } = cohort;
    const { operationId: id, outlet } = args;
    // from the head on the state would be missing
    const began = after ?? (stage instanceof Ensemble || stage.hasSnapshot ? null : stage.position);
    const subscriber = new Subscriber(
      { id, outlet, policy: onSlow, began, company: cohort.company },
      after ? 'RESUMED' : 'LIVE',
    );
    cohort.add(subscriber);
    if (stage.stalled) subscriber.tell(cohort.notice);
    if (stage instanceof Ensemble) {
      cohort.admit(subscriber);
      // as if replayed: others join at the same time
      for (const state of stage.states()) if (cohort.wants(state)) subscriber.take(state, true);
    } else if (after) {
      const { epoch, sequence } = after;
      resume({ epoch, sequence }, { field, stage, cohort, subscriber }).catch((error: unknown) => {
        if (error instanceof LiveStoreUnavailable) metrics.resumes.inc({ field, outcome: 'failed' });
        subscriber.end(told(error));
      });
    } else {
      cohort.admit(subscriber);
      const state = stage.stateOf(cohort.audience);
      if (state && cohort.wants(state)) subscriber.take(state);
    }
    return subscriber;
  }

  return {
    hub,
    get cohorts() {
      return cohorts.size;
    },
    async subscribe(args) {
      const source = (await createSourceEventStream(args)) as LiveSource | ExecutionResult;
      if (!(source instanceof LiveSource)) return source;
      const { question } = source;
      const after = source.isMany ? null : (args.after ?? source.after);
      if (after && !isCursorOf(streamKey(question.channel, question.id), after)) {
        throw badInput('after', 'is a cursor of another stream');
      }
      try {
        return new Seat(await follow(source, args));
      } catch (error) {
        throw told(error);
      }
    },
    async stop() {
      await hub.stop();
      wheel.stop();
    },
  };
}
