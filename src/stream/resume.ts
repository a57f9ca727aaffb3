/**
 * From a cursor to now: what was told since is replayed from memory or the live store, then the subscriber joins what
 * happens with no seam. Where that can't be done whole, it is reset to the state now or refused; never a part of it.
 */
import { clientError } from '../../schema/errors.ts';
import type { StreamPosition } from '../platform/live/store.ts';
import { metrics } from '../platform/metrics.ts';
import type { Cohort } from './cohort.ts';
import type { Replayed } from './pages.ts';
import type { AnyStage } from './stage.ts';
import type { Subscriber } from './subscriber.ts';

export interface Resuming {
  field: string;
  stage: AnyStage;
  cohort: Cohort;
  subscriber: Subscriber<unknown>;
}

const UNREADABLE = { missed: 1, reason: 'FEED_GAP' } as const;

/** True where what follows in `page` is all that followed `place`. */
function continues(place: StreamPosition, page: readonly Replayed<unknown>[], head: StreamPosition): boolean {
  const at = page.find(({ at }) => at.sequence >= place.sequence)?.at;
  if (!at) return place.sequence === 0n && place.epoch === '' && head.sequence === 0n;
  if (at.sequence === place.sequence) return at.epoch === place.epoch;
  if (at.sequence !== place.sequence + 1n) return false;
  // the place before the first event has no epoch; that of an event just trimmed is known by its neighbours
  return place.sequence === 0n && place.epoch === '' ? true : [at.epoch, head.epoch].includes(place.epoch);
}

/**
 * Brings a subscriber from `place` to now and admits it to what happens. Reads no faster than the subscriber does. Rejects
 * with CURSOR_EXPIRED where neither a replay nor a reset is possible, and with LiveStoreUnavailable.
 */
export async function resume(place: StreamPosition, { stage, cohort, subscriber, field }: Resuming): Promise<void> {
  const { audience } = cohort;
  const { generation } = stage;
  let at = place;
  let replaying = false;
  let reread: bigint | null = null;
  const admit = (outcome: 'resumed' | 'reset'): void => {
    metrics.resumes.inc({ field, outcome });
    cohort.admit(subscriber);
  };

  while (!subscriber.hasEnded && stage.generation === generation) {
    const known = stage.since(audience, at);
    if (known?.length === 0) return admit('resumed');
    let next: readonly Replayed<unknown>[];
    if (known) {
      next = known.map((event) => ({ at: event.at, event }));
    } else {
      const page = await audience.pages?.around(at.sequence);
      if (!page || !(replaying || continues(at, page, stage.position))) break;
      const from = at.sequence;
      next = page.filter((entry) => entry.at.sequence > from);
      if (next.length === 0 && stage.position.sequence <= at.sequence) {
        // the store is ahead of what we have heard of yet
        subscriber.skipTo(at.sequence);
        return admit('resumed');
      }
      if (next.length === 0) {
        // more was told while we read; read twice and not there, it is gone
        if (reread === at.sequence) break;
        reread = at.sequence;
        continue;
      }
    }
    replaying = true;
    await subscriber.room();
    for (const { at: sooner, event } of next) {
      if (!subscriber.flows) break;
      const skipped = Number(sooner.sequence - at.sequence - 1n);
      if (skipped > 0 && !known) subscriber.missing(cohort.ofMine({ missed: skipped, reason: 'RETENTION' }));
      if (event && cohort.wants(event)) subscriber.take(cohort.asMine(event), true);
      else if (event?.gap) subscriber.missing(cohort.ofMine(event.gap));
      else if (!event) subscriber.missing(cohort.ofMine(UNREADABLE));
      at = sooner;
    }
  }
  if (subscriber.hasEnded) return;
  const { epoch, sequence } = stage.position;
  const isSame = stage.generation === generation && sequence >= at.sequence;
  if (stage.hasSnapshot) {
    // the state stands for the event at the head
    const known = isSame && (replaying || epoch === at.epoch);
    if (known && !stage.hasLoaded) {
      // how much is missing shows with the state that is on its way
      subscriber.skipTo(at.sequence);
      return admit('reset');
    }
    const missed = known ? Math.max(0, Number(sequence - at.sequence) - 1) : null;
    subscriber.reset(missed === 0 ? null : { missed, reason: 'RETENTION' });
    admit('reset');
    const state = stage.stateOf(audience);
    if (state && cohort.wants(state)) subscriber.take(state);
  } else if (replaying) {
    const gone = isSame ? Number(sequence - at.sequence) : null;
    const gap = { missed: gone, reason: gone === null ? 'FEED_GAP' : 'RETENTION' } as const;
    subscriber.missing(cohort.ofMine(gap));
    admit('resumed');
  } else {
    metrics.resumes.inc({ field, outcome: 'expired' });
    throw clientError('CURSOR_EXPIRED', 'after: what followed this cursor is not kept any more', { argument: 'after' });
  }
}
