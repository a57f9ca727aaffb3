/** Follows the live streams that somebody watches, all over one tail of the live store. One hub a process. */
import { CHANNELS, streamKey } from '../../schema/channels.ts';
import { clientError } from '../../schema/errors.ts';
import type { Platform, Running } from '../platform/platform.ts';
import type { AnyQuestion } from './source.ts';
import { type AnyStage, Stage } from './stage.ts';
import { watchStalls } from './stall.ts';

export interface Hub extends Running {
  /** The stage of a stream, with its state. Join it at once: it may end while you wait. Rejects with LiveStoreUnavailable. */
  open(question: AnyQuestion): Promise<AnyStage>;
  /** Streams followed now. */
  readonly followed: number;
}

/** An interruption shorter than this is not told: a connection that is opened anew at once delays nothing. */
const GRACE_MS = 250;

/** Starts with nothing followed. Ended, it ends every subscription. */
export function startHub({ live, log, config }: Pick<Platform, 'live' | 'log' | 'config'>): Hub {
  const stages = new Map<string, AnyStage>();
  let interruptedSince: number | null = null;
  let telling: NodeJS.Timeout | null = null;
  let stopped = false;

  const stalls = watchStalls({ live, log, config }, () => stages.values());

  const tail = live.tail({
    entries: (stream, entries) => stages.get(stream)?.entries(entries),
    lost: (stream, now) => stages.get(stream)?.lost(now),
    interrupted(error) {
      if (interruptedSince !== null) return;
      const since = Date.now();
      interruptedSince = since;
      log.warn({ err: error, streams: stages.size }, 'live streams interrupted');
      telling = setTimeout(() => {
        stalls.storeAway(since);
      }, GRACE_MS).unref();
    },
    resumed() {
      if (interruptedSince === null) return;
      log.info({ ms: Date.now() - interruptedSince }, 'live streams resumed');
      interruptedSince = null;
      if (telling) clearTimeout(telling);
      stalls.storeAway(null);
    },
  });

  function stageOf(question: AnyQuestion): AnyStage {
    const key = streamKey(question.channel, question.id);
    const known = stages.get(key);
    if (known) return known;
    const onEmpty = (): void => {
      if (stages.get(key) === stage) stages.delete(key);
    };
    // no more than the store itself keeps: where that is little, events are large
    const remembers = Math.min(config.RESUME_BUFFER_EVENTS, CHANNELS[question.channel].maxLength);
    const stage: AnyStage = new Stage(question, { live, tail, log, remembers, onEmpty });
    stages.set(key, stage);
    stalls.joins(stage);
    return stage;
  }

  return {
    get followed() {
      return stages.size;
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
      await stalls.stop();
      for (const stage of [...stages.values()]) stage.end();
      await tail.close();
    },
  };
}
