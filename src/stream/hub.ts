/** Follows the live streams that somebody watches, all over one tail of the live store. One hub a process. */
import { streamKey } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import type { Platform, Running } from '../platform/platform.ts';
import type { DeliveryQueue } from './delivery.ts';
import { Stage } from './stage.ts';
import type { Model, Question } from './view.ts';

export interface Hub extends Running {
  /**
   * Joins a stream at now. The queue's first event is the newest state, where the channel has one, and every event of
   * the stream after it follows; `return()` leaves at once. Rejects with LiveStoreUnavailable.
   */
  subscribe<P extends { eventTime: number }, M extends Model<P>, B>(
    question: Question<P, M, B>,
  ): Promise<DeliveryQueue<B>>;
  /** Streams followed now. */
  readonly followed: number;
  /** Since when the live store does not answer, epoch ms; null while it does. */
  readonly interruptedSince: number | null;
}

/** An interruption shorter than this is not told. */
const GRACE_MS = 1_000;

// each stream has one question's types; its key decides which
type AnyStage = Stage<{ eventTime: number }, Model<{ eventTime: number }>, unknown>;

/** Starts with nothing followed. Ended, it ends every subscription. */
export function startHub({ live, log, config }: Pick<Platform, 'live' | 'log' | 'config'>): Hub {
  const stages = new Map<string, AnyStage>();
  let interruptedSince: number | null = null;
  let telling: NodeJS.Timeout | null = null;
  let stopped = false;

  const interruption = () =>
    clientError('STORE_UNAVAILABLE', 'the live store does not answer: events are delayed', {
      stale: true,
      since: interruptedSince === null ? null : new Date(interruptedSince).toISOString(),
    });

  function tellAll(): void {
    const fault = interruption();
    for (const stage of stages.values()) stage.tell({ fault });
  }

  const tail = live.tail({
    entries: (stream, entries) => stages.get(stream)?.entries(entries),
    lost: (stream, now) => stages.get(stream)?.lost(now),
    interrupted(error) {
      if (interruptedSince !== null) return;
      interruptedSince = Date.now();
      log.warn({ err: error, streams: stages.size }, 'live streams interrupted');
      telling = setTimeout(tellAll, GRACE_MS).unref();
    },
    resumed() {
      if (interruptedSince === null) return;
      log.info({ ms: Date.now() - interruptedSince }, 'live streams resumed');
      interruptedSince = null;
      if (telling) clearTimeout(telling);
    },
  });

  function open<P extends { eventTime: number }, M extends Model<P>, B>(question: Question<P, M, B>): Stage<P, M, B> {
    const key = streamKey(question.channel, question.id);
    const known = stages.get(key) as unknown as Stage<P, M, B> | undefined;
    if (known) return known;
    const onEmpty = (): void => {
      if (stages.get(key) === (stage as unknown as AnyStage)) stages.delete(key);
    };
    const stage = new Stage(question, { live, tail, log, maxQueue: config.MAX_SUBSCRIBER_QUEUE, onEmpty });
    stages.set(key, stage as unknown as AnyStage);
    return stage;
  }

  return {
    get followed() {
      return stages.size;
    },
    get interruptedSince() {
      return interruptedSince;
    },
    async subscribe(question) {
      for (;;) {
        const stage = open(question);
        try {
          await stage.ready;
        } catch (error) {
          stage.end();
          throw error;
        }
        if (stopped) throw clientError('STORE_UNAVAILABLE', 'the server is shutting down');
        // the last watcher may have left while we waited
        if (stage.isEnded) continue;
        const queue = stage.join(question);
        if (interruptedSince !== null) queue.push({ fault: interruption() });
        return queue;
      }
    },
    async stop() {
      stopped = true;
      if (telling) clearTimeout(telling);
      for (const stage of [...stages.values()]) stage.end();
      await tail.close();
    },
  };
}
