/** Candles on the live stream: the newest of each interval, and every minute of the last day under a key of its own. */
import { latestKlineKey, minuteKlineKey } from '../../schema/live/keys.ts';
import { INTERVALS, type KlineEvent } from '../../schema/market.ts';
import type { LiveWrite } from '../../src/platform/live/store.ts';
import { isNewerVersion } from '../klines/candle.ts';
import type { MakeView } from './view.ts';

const minuteWrite = (k: KlineEvent, value: string): LiveWrite => ({
  kind: 'value',
  key: minuteKlineKey(k, k.openTime),
  value,
  ttlMs: INTERVALS.D1,
});

function writes(k: KlineEvent, json: string): LiveWrite[] {
  const latest: LiveWrite = { kind: 'latest', key: latestKlineKey(k, k.interval), value: json };
  return k.interval === 'M1' ? [latest, minuteWrite(k, json)] : [latest];
}

export const klineView: MakeView<KlineEvent> = (store) => ({
  plan: ({ payload, json }) => ({ writes: writes(payload, json) }),
  /** A minute that came after newer ones is no event any more, but its own key must have it. */
  async settle(planned, results) {
    const late = planned
      .filter(({ item }, i) => item.payload.interval === 'M1' && results[i]?.sequence === null)
      .map(({ item }) => item)
      .filter(({ payload }) => payload.openTime > Date.now() - INTERVALS.D1);
    if (late.length === 0) return;
    const kept = await store.values(late.map(({ payload: k }) => minuteKlineKey(k, k.openTime)));
    for (const [i, { payload: k, json, stream }] of late.entries()) {
      const known = kept[i] ? (JSON.parse(kept[i]) as KlineEvent) : null;
      if (!known || isNewerVersion(k, known)) await store.put(stream, [minuteWrite(k, json)]);
    }
  },
});
