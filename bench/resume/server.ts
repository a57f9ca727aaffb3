/** The API server on a real Redis (REDIS_URL), to which the driver appends in this process over a connection of its own. */
import { startApi } from '../../resolvers/api.ts';
import { klineStreamId, rankPart, streamKey } from '../../schema/channels.ts';
import { latestKlineKey } from '../../schema/live/keys.ts';
import { createMemoryBroker } from '../../src/platform/broker/memory/broker.ts';
import { readConfig } from '../../src/platform/config.ts';
import { openRedisLiveStore } from '../../src/platform/live/redis/store.ts';
import { createLog } from '../../src/platform/log.ts';
import type { Postgres } from '../../src/platform/postgres/postgres.ts';
import { CANDLE, drive, symbolOf } from '../fanout/servers/driver.ts';

const config = readConfig(process.env, ['REDIS_URL']);
const log = createLog('warn', process.stderr);
const url = config.REDIS_URL as string;
const open = () => openRedisLiveStore({ url, timeoutMs: config.STORE_TIMEOUT_MS, log });
const [live, writer] = await Promise.all([open(), open()]);
const away = (): never => {
  throw new Error('no tables here: subscriptions do not read them');
};
const postgres: Postgres = {
  url: '',
  query: away,
  transaction: away,
  ping: away,
  migrate: away,
  close: async () => {},
};
await startApi({ config, live, postgres, broker: createMemoryBroker(), log });

const openTime = Date.parse(CANDLE.openTime);
let offset = 0n;

drive((topic, volume) => {
  const market = { exchange: 'BINANCE', symbol: symbolOf(topic) } as const;
  const time = Date.now();
  const figures = { quoteVolume: '1', tradeCount: 7, coverage: 1, eventTime: time, receivedAt: time, volume };
  const payload = JSON.stringify({ ...market, ...CANDLE, openTime, ...figures });
  offset += 1n;
  const place = { stream: streamKey('kline', klineStreamId(market, 'M1')), epoch: 'bench', offset, payload, time };
  const key = latestKlineKey(market, 'M1');
  const append = {
    ...place,
    version: { kind: 'restart', rank: rankPart(1) },
    retentionMs: 3_600_000,
    maxLength: 20_000,
    writes: [{ kind: 'latest', key, value: payload }],
  } as const;
  writer.append([append]).catch((error: unknown) => log.error({ err: error }, 'not appended'));
});
