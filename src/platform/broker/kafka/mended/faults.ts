/**
 * Faults of kafkajs 2.2.4, whose last release this is, that can only be mended inside.
 *
 * Its request queue sets itself a timer for the end of a throttling that is not there: `setTimeout` with minus the
 * current time, again and again. That is about 900 timers a second for each connection, 3.5 % of a core while idle, and a
 * TimeoutNegativeWarning on Node 24. https://github.com/tulios/kafkajs/issues/1751
 *
 * It takes a group without a coordinator for an error that no other try mends, and its consumer ends on it for good. But a
 * Kafka that is new makes the topic of its groups' offsets only when the first group asks, and takes its time.
 */
import { createRequire } from 'node:module';

/** As kafkajs names them. */
interface RequestQueue {
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** How often waiting requests are looked at while nothing throttles; kafkajs's own interval. */
const CHECK_MS = 10;

interface Cluster {
  findGroupCoordinatorMetadata(request: object): Promise<unknown>;
}

/** Mends them. Throws if kafkajs's inside is no longer what this was written for. */
export function mendFaults(): void {
  const inside = createRequire(import.meta.url);
  mendQueue(inside('kafkajs/src/network/requestQueue') as { prototype: RequestQueue });
  mendCluster(inside('kafkajs/src/cluster') as { prototype: Cluster });
}

function mendCluster({ prototype }: { prototype: Cluster }): void {
  const find = prototype.findGroupCoordinatorMetadata;
  if (typeof find !== 'function') throw new Error('kafkajs is not 2.2.4 inside');
  prototype.findGroupCoordinatorMetadata = async function findOrRetry(this: Cluster, request) {
    try {
      return await find.call(this, request);
    } catch (error) {
      const { name } = error as Error;
      // no broker knew one, or none was reached
      if (name === 'KafkaJSGroupCoordinatorNotFound') Object.assign(error as Error, { retriable: true });
      throw error;
    }
  };
}

function mendQueue({ prototype }: { prototype: RequestQueue }): void {
  if (typeof prototype.scheduleCheckPendingRequests !== 'function') throw new Error('kafkajs is not 2.2.4 inside');
  prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue): void {
    const throttledMs = this.throttledUntil - Date.now();
    if (this.throttleCheckTimeoutId || (throttledMs <= 0 && this.pending.length === 0)) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : CHECK_MS,
    );
  };
}
