/** Every stand-in there is, by the exchange it stands in for. */
import type { Exchange } from '../schema/market.ts';
import { startBinanceSim } from './binance/server.ts';
import { startBithumbSim } from './bithumb/server.ts';
import { startC2cSim } from './c2c/server.ts';
import { startKucoinSim } from './kucoin/server.ts';
import { startUpbitSim } from './upbit/server.ts';

interface StandIn {
  wsUrl: string;
  restUrl: string;
  close(): Promise<void>;
}

/** Nobody asks these what they sent. */
const UNRECORDED = { recordLimit: 0 };

const STAND_INS: Record<Exchange, (seed: number) => Promise<StandIn>> = {
  BINANCE: (seed) => startBinanceSim({ seed, ...UNRECORDED }),
  UPBIT: (seed) => startUpbitSim({ seed, ...UNRECORDED }),
  BITHUMB: (seed) => startBithumbSim({ seed, ...UNRECORDED }),
  KUCOIN: (seed) => startKucoinSim({ seed, ...UNRECORDED }),
};

type StandInSetting = `${Exchange}_${'WS' | 'REST'}_URL` | 'BINANCE_C2C_URL' | 'BINANCE_API_KEY' | 'BINANCE_API_SECRET';

export interface StandIns {
  /** Where each runs, as the ingest side takes it. */
  endpoints: Partial<Record<Exchange, { ws: string; rest: string }>>;
  /** The settings under which all of them are there, for what finds them by its settings alone. */
  settings: Partial<Record<StandInSetting, string> & { SLEEP_INTERVAL: number }>;
  stop(): Promise<void>;
}

/**
 * Starts the stand-ins of these exchanges on free loopback ports, with `c2c` that of a merchant's own orders too; the same
 * seed gives the same markets and orders.
 */
export async function startStandIns(
  exchanges: readonly Exchange[],
  seed: number,
  { c2c = false }: { c2c?: boolean } = {},
): Promise<StandIns> {
  const running: { close(): Promise<void> }[] = [];
  const endpoints: StandIns['endpoints'] = {};
  const settings: StandIns['settings'] = {};
  for (const exchange of exchanges) {
    const standIn = await STAND_INS[exchange](seed);
    running.push(standIn);
    Object.assign(settings, { [`${exchange}_WS_URL`]: standIn.wsUrl, [`${exchange}_REST_URL`]: standIn.restUrl });
    endpoints[exchange] = { ws: standIn.wsUrl, rest: standIn.restUrl };
  }
  if (c2c) {
    const { url, key, secret, close } = await startC2cSim({ seed });
    running.push({ close });
    // a stand-in on this machine need not be spared
    const own = { BINANCE_C2C_URL: url, BINANCE_API_KEY: key, BINANCE_API_SECRET: secret, SLEEP_INTERVAL: 0 };
    Object.assign(settings, own);
  }
  return {
    endpoints,
    settings,
    async stop() {
      await Promise.all(running.map((standIn) => standIn.close()));
    },
  };
}
