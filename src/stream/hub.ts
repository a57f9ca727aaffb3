/** Follows the live streams that somebody watches, all over one tail of the live store. One hub a process. */
import { streamKey } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import type { Platform, Running } from '../platform/platform.ts';
import type { AnyStage } from './cohort.ts';
import type { AnyQuestion } from './source.ts';
import { Stage } from './stage.ts';

export interface Hub extends Running {
  /** The stage of a stream, with its state. Join it at once: it may end while you wait. Rejects with LiveStoreUnavailable. */
  open(question: AnyQuestion): Promise<AnyStage>;
  /** Streams followed now. */
  readonly followed: number;
  /** What to tell of a live store that does not answer; null while it does. */
  readonly interruption: Error | null;
}

/** An interruption shorter than this is not told. */
const GRACE_MS = 1_000;

/** Starts with nothing followed. Ended, it ends every subscription. */
export function startHub({ live, log, config }: Pick<Platform, 'live' | 'log' | 'config'>): Hub {
  const stages = new Map<string, AnyStage>();
  let interruptedSince: number | null = null;
  let telling: NodeJS.Timeout | null = null;
  let stopped = false;

  const interruption = (since: number) =>
    clientError('STORE_UNAVAILABLE', 'the live store does not answer: events are delayed', {
      stale: true,
      since: new Date(since).toISOString(),
    });

  const tail = live.tail({
    entries: (stream, entries) => stages.get(stream)?.entries(entries),
    lost: (stream, now) => stages.get(stream)?.lost(now),
    interrupted(error) {
      if (interruptedSince !== null) return;
      const since = Date.now();
      interruptedSince = since;
      log.warn({ err: error, streams: stages.size }, 'live streams interrupted');
      telling = setTimeout(() => {
        const fault = interruption(since);
        for (const stage of stages.values()) stage.tell(fault);
      }, GRACE_MS).unref();
    },
    resumed() {
      if (interruptedSince === null) return;
      log.info({ ms: Date.now() - interruptedSince }, 'live streams resumed');
      interruptedSince = null;
      if (telling) clearTimeout(telling);
    },
  });

  function stageOf(question: AnyQuestion): AnyStage {
    const key = streamKey(question.channel, question.id);
    const known = stages.get(key);
    if (known) return known;
    const onEmpty = (): void => {
      if (stages.get(key) === stage) stages.delete(key);
    };
    const stage: AnyStage = new Stage(question, { live, tail, log, remembers: config.RESUME_BUFFER_EVENTS, onEmpty });
    stages.set(key, stage);
    return stage;
  }

  return {
    get followed() {
      return stages.size;
    },
    get interruption() {
      return interruptedSince === null ? null : interruption(interruptedSince);
    },
    async open(question) {
      for (;;) {
        const stage = stageOf(question);
        try {
          await stage.ready;
        } catch (error) {
          stage.end();
          throw error;
        }
        if (stopped) throw clientError('STORE_UNAVAILABLE', 'the server is shutting down');
        // the last watcher may have left while we waited
        if (!stage.isEnded) return stage;
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
