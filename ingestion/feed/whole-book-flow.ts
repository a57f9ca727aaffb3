/**
 * The order book of an exchange that always sends the whole book and no sequence (Upbit, Bithumb): the sequence is made
 * of the event time, so that it grows across connections and processes.
 */
import type { BookUpdate } from '../exchanges/connector.ts';
import type { Flow, FlowTools } from './flow.ts';
import { hasHistory } from './progress.ts';

/** Books a millisecond that the sequence has room for. */
const PER_MS = 1_000n;

/** A book this far ahead of our clock, and of the one that comes after it, had a wrong stamp. */
const AHEAD_MS = 10_000;

/** The flow of one market's book. */
export function createWholeBookFlow(tools: FlowTools): Flow<BookUpdate> {
  let last: BookUpdate | null = null;
  let sequence = 0n;
  let publishedAt = 0;
  let lost = hasHistory(tools.progress);

  function publish(update: BookUpdate): void {
    const byTime = BigInt(update.eventTime) * PER_MS;
    sequence = byTime > sequence ? byTime : sequence + 1n;
    const { bidSequences: _bids, askSequences: _asks, ...event } = update;
    const gap = lost ? { gap: true } : {};
    lost = false;
    publishedAt = performance.now();
    tools.publish(
      {
        channel: 'orderbook',
        event: { ...event, sequence: String(sequence), previousSequence: null, integrity: 'SNAPSHOT_ONLY', ...gap },
      },
      false,
    );
  }

  return {
    push(update) {
      const ahead = last ? last.eventTime - Math.max(update.eventTime, update.receivedAt) : 0;
      if (last && update.eventTime < last.eventTime && ahead <= AHEAD_MS) return;
      // up to half of Bithumb's frames repeat the one before
      const same = JSON.stringify([last?.bids, last?.asks]) === JSON.stringify([update.bids, update.asks]);
      last = update;
      if (!same || lost) publish(update);
    },
    resume() {},
    interrupt() {
      if (last && !lost) {
        lost = true;
        tools.gap();
      }
    },
    tick() {
      if (last && !lost && performance.now() - publishedAt >= tools.times.snapshotMs) publish(last);
    },
    isHolding: () => false,
  };
}
