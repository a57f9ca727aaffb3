/**
 * Everybody who asked the same of the same stream. An event is executed and encoded once for all of them; each gets it
 * in a frame with its own operation id, and those with the same id share the frame.
 */
import { randomUUID } from 'node:crypto';
import { type ExecutionArgs, execute, GraphQLError } from 'graphql';
import type { StreamStart } from '../../schema/channels.ts';
import { publicError } from '../platform/graphql/errors.ts';
import { asciiJson } from '../platform/graphql/outlet.ts';
import type { Log } from '../platform/log.ts';
import { metrics, tallyOf } from '../platform/metrics.ts';
import type { Audience, Listener } from './audience.ts';
import type { Delivery, Gap } from './delivery.ts';
import { type Plan, planOf } from './plan.ts';
import type { AnyQuestion } from './source.ts';
import type { Stage } from './stage.ts';
import type { Subscriber, Told } from './subscriber.ts';
import type { Model } from './view.ts';

export type AnyStage = Stage<{ eventTime: number }, Model<{ eventTime: number }>, unknown>;
type AnyAudience = Audience<{ eventTime: number }, unknown>;

/** Root of the execution of one event. */
export type Root = { event: object } | { fault: Error };

/** The resolver of every subscription field: the event, as it was made ready before. */
export function resolveEvent(root: Root): object {
  if ('fault' in root) throw root.fault;
  return root.event;
}

/** Past events kept encoded while many replay the same range, and for how long. */
const REPLAYS = 2_048;
const REPLAYS_MS = 5_000;

/** The members with one operation id, as JSON. */
type Members = Set<Subscriber<unknown>>;

export interface CohortOptions {
  question: AnyQuestion;
  stage: AnyStage;
  /** What is executed: the spelling of the first who asked. */
  operation: ExecutionArgs;
  log: Log;
  /** Nobody asks any more. */
  onEmpty(): void;
}

export class Cohort implements Listener<unknown> {
  readonly audience: AnyAudience;
  private readonly live = new Map<string, Members>();
  private readonly all = new Set<Subscriber<unknown>>();
  /** The live ones in a row, those with the same id together; null when they have changed. */
  private roster: readonly Subscriber<unknown>[] | null = null;
  /** The event that was last told to all of them. */
  private told: Delivery<unknown> | null = null;
  private readonly plan: Plan | null;
  private readonly request = { id: randomUUID(), seesSchema: false };
  private readonly counted;
  /** Encodings of the newest event, by what is told with it. */
  private newest: { delivery: Delivery<unknown>; payloads: Map<string, string> } | null = null;
  private readonly replays = new Map<Delivery<unknown>, Map<string, string>>();
  private forgetting: NodeJS.Timeout | null = null;

  constructor(private readonly options: CohortOptions) {
    const { stage, question } = options;
    const { field } = question;
    this.audience = stage.join(question, this);
    this.counted = {
      executions: tallyOf(metrics.executions, { field }),
      encodings: tallyOf(metrics.encodings, { field }),
      deliveries: tallyOf(metrics.deliveries, { field }),
      bytes: tallyOf(metrics.deliveredBytes, { field }),
      endToEnd: metrics.endToEnd.labels({ channel: question.channel }),
    };
    metrics.cohorts.inc({ field });
    this.plan = planOf(options.operation, resolveEvent);
  }

  get stage(): AnyStage {
    return this.options.stage;
  }

  /** The event that was last told to everybody. */
  get newestTold(): Delivery<unknown> | null {
    return this.told;
  }

  /** Counts a subscriber in; it is told nothing before `admit`. */
  add(subscriber: Subscriber<unknown>): void {
    this.all.add(subscriber);
  }

  /** From now on a subscriber is told what happens. */
  admit(subscriber: Subscriber<unknown>): void {
    if (!this.all.has(subscriber)) return;
    const members = this.live.get(subscriber.id);
    if (members) members.add(subscriber);
    else this.live.set(subscriber.id, new Set([subscriber]));
    this.roster = null;
  }

  /** The last one ends the cohort. */
  remove(subscriber: Subscriber<unknown>): void {
    if (!this.all.delete(subscriber)) return;
    const { id } = subscriber;
    const members = this.live.get(id);
    members?.delete(subscriber);
    if (members?.size === 0) this.live.delete(id);
    this.roster = null;
    if (this.all.size > 0) return;
    if (this.forgetting) clearTimeout(this.forgetting);
    const { stage, question, onEmpty } = this.options;
    metrics.cohorts.dec({ field: question.field });
    onEmpty();
    stage.leave(question.view, this);
  }

  deliver(delivery: Delivery<unknown>): void {
    this.roster ??= [...this.live.values()].flatMap((members) => [...members]);
    const { roster, counted } = this;
    let rest: string | null = null;
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
      if (rest === null) {
        rest = `${this.payloadOf({ delivery, start: null, gap: delivery.gap, replayed: false, payload: null })}}`;
        // in one piece, as it becomes part of every frame
        rest.charCodeAt(0);
      }
      if (passed === 0 || subscriber.id !== id) frame = subscriber.frames.ending(rest);
      id = subscriber.id;
      subscriber.pass(frame);
      passed += 1;
      bytes += frame.length;
    }
    this.told = delivery;
    if (delivery.eventTime !== null) counted.endToEnd.observe(Math.max(0, Date.now() - delivery.eventTime) / 1_000);
    counted.deliveries.count += passed;
    counted.bytes.count += bytes;
    if (passed > 0 && delivery.gap) {
      metrics.gapsTold.inc({ field: this.options.question.field, reason: delivery.gap.reason }, passed);
    }
  }

  missing(gap: Gap, upTo: bigint | null): void {
    for (const members of this.live.values()) for (const subscriber of members) subscriber.missing(gap, upTo);
  }

  reset(state: Delivery<unknown> | null, gap: Gap | null): void {
    for (const members of this.live.values()) {
      for (const subscriber of members) {
        subscriber.reset(gap, state);
        if (state) subscriber.take(state);
      }
    }
  }

  tell(fault: Error): void {
    for (const subscriber of this.all) subscriber.tell(fault);
  }

  end(): void {
    for (const subscriber of [...this.all]) subscriber.end();
  }

  /** The result of an event as ASCII JSON; the same one is worked out once. */
  payloadOf({ delivery, start, gap, replayed }: Told<unknown>): string {
    const variant = start === null && gap === null ? '' : JSON.stringify([start, gap]);
    if (!replayed && this.newest?.delivery !== delivery) this.newest = { delivery, payloads: new Map() };
    const payloads = replayed ? this.replaysOf(delivery) : this.newest?.payloads;
    const known = payloads?.get(variant);
    if (known !== undefined) return known;
    const payload = this.run(this.rootOf(delivery, start, gap), gap);
    payloads?.set(variant, payload);
    return payload;
  }

  /** The result that tells a fault in place of an event. */
  faultOf(fault: Error): string {
    return this.run({ fault }, null);
  }

  /** Encodings of an event of the past: others replay it at the same time. */
  private replaysOf(delivery: Delivery<unknown>): Map<string, string> | undefined {
    const known = this.replays.get(delivery);
    if (known || this.replays.size >= REPLAYS) return known;
    this.forgetting ??= setTimeout(() => {
      this.forgetting = null;
      this.replays.clear();
    }, REPLAYS_MS).unref();
    const payloads = new Map<string, string>();
    this.replays.set(delivery, payloads);
    return payloads;
  }

  private rootOf({ cursor, at, body }: Delivery<unknown>, start: StreamStart | null, gap: Gap | null): Root {
    try {
      const content = this.options.question.contentOf(body);
      return { event: { cursor, sequence: String(at.sequence), start, gap, ...content } };
    } catch (error) {
      // one that can't be shown is told as such, and the stream goes on
      return { fault: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  private run(rootValue: Root, gap: Gap | null): string {
    const { operation, log } = this.options;
    this.counted.executions.count += 1;
    this.counted.encodings.count += 1;
    const planned = this.plan?.(rootValue);
    if (planned) return `{"data":${planned}${gap ? `,"extensions":{"gap":${JSON.stringify(gap)}}` : ''}}`;
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
    return asciiJson(JSON.stringify({ data, errors: told, extensions: gap ? { gap } : undefined }));
  }
}
