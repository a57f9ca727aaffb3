/**
 * Ours: the API server as it runs in production (limits, metrics, queues), on the live store in memory, which the driver
 * appends to in this process. PORT and the limits come from the settings.
 */

import { startApi } from '../../../resolvers/api.ts';
import { klineStreamId, rankPart, streamKey } from '../../../schema/channels.ts';
import { latestKlineKey } from '../../../schema/live/keys.ts';
import { createMemoryBroker } from '../../../src/platform/broker/memory/broker.ts';
import { readConfig } from '../../../src/platform/config.ts';
import { createMemoryLiveStore } from '../../../src/platform/live/memory/store.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { Postgres } from '../../../src/platform/postgres/postgres.ts';
import { CANDLE, drive, symbolOf } from './driver.ts';

const config = readConfig(process.env);
const live = createMemoryLiveStore();
const away = (): never => {
  throw new Error('no tables here: subscriptions do not read them');
};
const postgres: Postgres = {
  query: away,
  transaction: away,
  ping: away,
  migrate: away,
  close: async () => {},
} as never;
await startApi({ config, live, postgres, broker: createMemoryBroker(), log: createLog('warn', process.stderr) });

const openTime = Date.parse(CANDLE.openTime);
const streams: { stream: string; key: string; head: string }[] = [];
let offset = 0n;

function topic(number: number) {
  const market = { exchange: 'BINANCE', symbol: symbolOf(number) } as const;
  const figures = { ...market, ...CANDLE, openTime, quoteVolume: '1', tradeCount: 7, coverage: 1 };
  const made = {
    stream: streamKey('kline', klineStreamId(market, 'M1')),
    key: latestKlineKey(market, 'M1'),
    head: JSON.stringify(figures).slice(0, -1),
  };
  streams[number] = made;
  return made;
}

drive((number, volume) => {
  const { stream, key, head } = streams[number] ?? topic(number);
  const time = Date.now();
  const payload = `${head},"eventTime":${time},"receivedAt":${time},"volume":"${volume}"}`;
  offset += 1n;
  void live.append([
    {
      stream,
      epoch: 'bench',
      offset,
      version: { kind: 'restart', rank: rankPart(1) },
      payload,
      time,
      retentionMs: 3_600_000,
      // kept by Redis where there is one; here it would be garbage for this process to collect
      maxLength: 256,
      writes: [{ kind: 'latest', key, value: payload }],
    },
  ]);
});
