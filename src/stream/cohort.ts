/**
 * Everybody who asked the same of the same stream. An event is executed and encoded once for all of them; each gets it
 * in a frame with its own operation id, and those with the same id share the frame.
 */
import { randomUUID } from 'node:crypto';
import { type ExecutionArgs, execute, GraphQLError } from 'graphql';
import type { StreamStart } from '../../schema/channels.ts';
import { publicError } from '../platform/graphql/errors.ts';
import { asciiJson, inOnePiece } from '../platform/graphql/outlet.ts';
import type { Log } from '../platform/log.ts';
import { metrics, tallyOf } from '../platform/metrics.ts';
import type { Audience, Listener } from './audience.ts';
import type { Company } from './company.ts';
import type { Delivery, Gap } from './delivery.ts';
import { Encodings } from './encodings.ts';
import { Ensemble } from './ensemble.ts';
import { isWanted } from './filter.ts';
import { type Plan, planOf } from './plan.ts';
import type { AnyQuestion } from './source.ts';
import type { AnyStage } from './stage.ts';
import type { Stall } from './stall.ts';
import type { Subscriber } from './subscriber.ts';
import { Throttle } from './throttle.ts';
import type { Wheel } from './wheel.ts';

type AnyAudience = Audience<{ eventTime: number }, unknown>;

/** Root of the execution of one event. */
export type Root = { event: object } | { fault: Error };

/** The resolver of every subscription field: the event, as it was made ready before. */
export function resolveEvent(root: Root): object {
  if ('fault' in root) throw root.fault;
  return root.event;
}

/** The members with one operation id, as JSON. */
type Members = Subscriber<unknown> | Set<Subscriber<unknown>>;

/** Most ids are one member's own. */
function each(members: Members): Iterable<Subscriber<unknown>> {
  return members instanceof Set ? members : [members];
}

function count(field: string) {
  return {
    executions: tallyOf(metrics.executions, { field }),
    encodings: tallyOf(metrics.encodings, { field }),
    deliveries: tallyOf(metrics.deliveries, { field }),
    bytes: tallyOf(metrics.deliveredBytes, { field }),
    endToEnd: metrics.endToEnd.of(field),
  };
}

type Counted = ReturnType<typeof count>;

/** What is counted of a field's cohorts, by field: they are few. */
const counts = new Map<string, Counted>();

function countedOf(field: string): Counted {
  const known = counts.get(field) ?? count(field);
  counts.set(field, known);
  return known;
}

export interface CohortOptions {
  question: AnyQuestion;
  stage: AnyStage | Ensemble;
  /** Ms between two beats at which events leave; 0 where each leaves at once. */
  step: number;
  wheel: Wheel;
  /** Events that may wait for one subscriber. */
  max: number;
  /** What is executed: the spelling of the first who asked. */
  operation: ExecutionArgs;
  log: Log;
  /** Nobody asks any more. */
  onEmpty(): void;
}

export class Cohort implements Listener<unknown> {
  readonly audience: AnyAudience;
  /** What its subscribers have in common. */
  readonly company: Company<unknown, Subscriber<unknown>>;
  private readonly throttle: Throttle | null;
  private readonly live = new Map<string, Members>();
  private readonly all = new Set<Subscriber<unknown>>();
  /** The live ones in a row, those with the same id together; null when they have changed. */
  private roster: readonly Subscriber<unknown>[] | null = null;
  /** The event that was last told to all of them. */
  private told: Delivery<unknown> | null = null;
  private readonly plan: Plan | null;
  private readonly request = { id: randomUUID(), seesSchema: false };
  private readonly counted: Counted;
  private readonly question: AnyQuestion;
  private readonly encodings: Encodings;
  private stall: Stall | null = null;

  constructor(private readonly options: CohortOptions) {
    const { stage, question, step, wheel } = options;
    const { field, mergeKey, merge } = question;
    this.company = {
      ...{ field, mergeKey, merge, max: options.max, isMany: stage instanceof Ensemble },
      payloadOf: ({ delivery, start, gap, replayed }) => this.encodings.of(delivery, start, gap, replayed),
      newest: () => this.told,
      left: (subscriber) => this.remove(subscriber),
    };
    this.throttle = step > 0 ? new Throttle(this, { step, wheel, question }) : null;
    this.audience = stage.join(question, this.throttle ?? this);
    if (!(stage instanceof Ensemble)) this.throttle?.begins(stage.stateOf(this.audience));
    this.stall = stage.stalled;
    this.counted = countedOf(field);
    this.question = question;
    metrics.cohorts.inc({ field });
    this.plan = planOf(options.operation, resolveEvent);
    this.encodings = new Encodings(this);
  }

  get stage(): AnyStage | Ensemble {
    return this.options.stage;
  }

  /** Counts a subscriber in; it is told nothing before `admit`. */
  add(subscriber: Subscriber<unknown>): void {
    this.all.add(subscriber);
  }

  /** From now on a subscriber is told what happens. */
  admit(subscriber: Subscriber<unknown>): void {
    if (!this.all.has(subscriber)) return;
    this.throttle?.joins(subscriber);
    const members = this.live.get(subscriber.id);
    if (members instanceof Set) members.add(subscriber);
    else this.live.set(subscriber.id, members ? new Set([members, subscriber]) : subscriber);
    this.roster = null;
  }

  /** The live ones, those with the same id together. */
  private *members(): Iterable<Subscriber<unknown>> {
    for (const members of this.live.values()) yield* each(members);
  }

  /** The last one ends the cohort. */
  private remove(subscriber: Subscriber<unknown>): void {
    if (!this.all.delete(subscriber)) return;
    const { id } = subscriber;
    const members = this.live.get(id);
    if (members === subscriber || (members instanceof Set && members.delete(subscriber) && members.size === 0)) {
      this.live.delete(id);
    }
    this.roster = null;
    if (this.all.size > 0) return;
    this.encodings.stop();
    const { question } = this;
    const { stage, onEmpty } = this.options;
    metrics.cohorts.dec({ field: question.field });
    onEmpty();
    stage.leave(question, this.throttle ?? this);
  }

  deliver(given: Delivery<unknown>): void {
    const delivery = this.asMine(given);
    this.roster ??= [...this.members()];
    const { roster, counted } = this;
    let payload: string | null = null;
    let rest = '';
    let id = '';
    let frame = '';
    let passed = 0;
    let bytes = 0;
    for (let i = 0; i < roster.length; i++) {
      const subscriber = roster[i] as Subscriber<unknown>;
      if (!subscriber.isDirect) {
        subscriber.take(delivery);
        continue;
      }
      if (payload === null) {
        // one that has it to itself asks once
        const isOne = roster.length === 1 && delivery.gap === null;
        payload = isOne ? this.encode(delivery, null, null) : this.encodings.of(delivery, null, delivery.gap, false);
        rest = `${payload}}`;
        if (roster.length > 1) inOnePiece(rest);
      }
      if (passed === 0 || subscriber.id !== id) {
        id = subscriber.id;
        frame = subscriber.frames?.ending(rest) ?? subscriber.frameOf(payload, delivery.cursor);
      }
      subscriber.pass(frame);
      passed += 1;
      bytes += frame.length;
    }
    this.told = delivery;
    if (delivery.eventTime !== null) counted.endToEnd.observe(Math.max(0, Date.now() - delivery.eventTime) / 1_000);
    counted.deliveries.count += passed;
    counted.bytes.count += bytes;
    if (passed > 0 && delivery.gap) {
      metrics.gapsTold.inc({ field: this.question.field, reason: delivery.gap.reason }, passed);
    }
  }

  /** True where these subscribers want the event. */
  wants(delivery: Delivery<unknown>): boolean {
    const { filter } = this.question;
    return !filter || isWanted(filter, delivery.body);
  }

  missing(given: Gap, upTo: bigint | null, stream?: string): void {
    const gap = this.ofMine(given);
    for (const subscriber of this.members()) subscriber.missing(gap, upTo, stream);
  }

  reset(state: Delivery<unknown> | null, given: Gap | null): void {
    const gap = given && this.ofMine(given);
    for (const subscriber of this.members()) {
      subscriber.reset(gap, state);
      if (state && this.wants(state)) subscriber.take(state);
    }
  }

  stalled(stall: Stall | null): void {
    this.stall = stall;
    const { notice } = this;
    for (const subscriber of this.all) subscriber.tell(notice);
  }

  /** The result that tells whether nothing new may come, in place of an event. */
  get notice(): string {
    return JSON.stringify({ data: null, extensions: { stale: this.stall } });
  }

  end(): void {
    for (const subscriber of [...this.all]) subscriber.end();
  }

  /** The result of an event, with what is told with it, as ASCII JSON. */
  encode(delivery: Delivery<unknown>, start: StreamStart | null, gap: Gap | null): string {
    return this.run(this.rootOf(delivery, start, gap), gap);
  }

  private rootOf({ cursor, at, body }: Delivery<unknown>, start: StreamStart | null, gap: Gap | null): Root {
    try {
      const content = this.question.contentOf(body);
      return { event: { cursor, sequence: String(at.sequence), start, gap, ...content } };
    } catch (error) {
      // one that can't be shown is told as such, and the stream goes on
      return { fault: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  /** A loss counted over the stream: how much of it these would have wanted is not known. */
  ofMine(gap: Gap): Gap {
    return this.question.filter && gap.missed ? { ...gap, missed: null } : gap;
  }

  /** The event with a loss as these are told it; what was merged for them is counted for them. */
  asMine(delivery: Delivery<unknown>): Delivery<unknown> {
    const { gap, from } = delivery;
    return gap?.missed && from === undefined && this.question.filter
      ? { ...delivery, gap: this.ofMine(gap) }
      : delivery;
  }

  private extensions(gap: Gap | null): object | undefined {
    const { stall } = this;
    return gap || stall ? { ...(gap && { gap }), ...(stall && { stale: stall }) } : undefined;
  }

  private run(rootValue: Root, gap: Gap | null): string {
    const { operation, log } = this.options;
    this.counted.executions.count += 1;
    this.counted.encodings.count += 1;
    const planned = this.plan?.(rootValue);
    if (planned) {
      const extensions = this.extensions(gap);
      return `{"data":${planned}${extensions ? `,"extensions":${asciiJson(JSON.stringify(extensions))}` : ''}}`;
    }
    const result = execute({ ...operation, rootValue });
    if ('then' in result) {
      // in order and at once, or not at all
      result.catch(() => {});
      const error = new GraphQLError('Internal error', { originalError: new Error('a resolver of an event waits') });
      return JSON.stringify({ data: null, errors: [publicError(error, this.request, log)] });
    }
    const { data, errors } = result;
    // each spelling of the operation has other places
    const told = errors?.map((error) => ({ ...publicError(error, this.request, log), locations: undefined }));
    return asciiJson(JSON.stringify({ data, errors: told, extensions: this.extensions(gap) }));
  }
}
