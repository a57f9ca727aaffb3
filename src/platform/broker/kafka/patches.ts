/**
 * What can only be mended inside kafkajs 2.2.4, whose last release this is.
 *
 * Its request queue sets itself a timer for the end of a throttling that is not there: `setTimeout` with minus the
 * current time, again and again. That is about 900 timers a second for each connection, 3.5 % of a core while idle, and a
 * TimeoutNegativeWarning on Node 24. https://github.com/tulios/kafkajs/issues/1751
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

/** Mends kafkajs; once for the whole process. Throws if its inside is no longer what this was written for. */
export function patchKafkajs(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    prototype: RequestQueue;
  };
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
