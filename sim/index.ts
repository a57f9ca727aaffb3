/** Every stand-in there is, by the exchange it stands in for. */
import type { Exchange } from '../schema/market.ts';
import { startBinanceSim } from './binance/server.ts';
import { startBithumbSim } from './bithumb/server.ts';
import { startKucoinSim } from './kucoin/server.ts';
import { startUpbitSim } from './upbit/server.ts';

interface StandIn {
  wsUrl: string;
  restUrl: string;
  close(): Promise<void>;
}

const STAND_INS: Record<Exchange, (seed: number) => Promise<StandIn>> = {
  BINANCE: (seed) => startBinanceSim({ seed }),
  UPBIT: (seed) => startUpbitSim({ seed }),
  BITHUMB: (seed) => startBithumbSim({ seed }),
  KUCOIN: (seed) => startKucoinSim({ seed }),
};

export interface StandIns {
  /** Where each runs, as the ingest side takes it. */
  endpoints: Partial<Record<Exchange, { ws: string; rest: string }>>;
  stop(): Promise<void>;
}

/** Starts the stand-ins of these exchanges on free loopback ports; the same seed gives the same markets. */
export async function startStandIns(exchanges: readonly Exchange[], seed: number): Promise<StandIns> {
  const running: StandIn[] = [];
  const endpoints: StandIns['endpoints'] = {};
  for (const exchange of exchanges) {
    const standIn = await STAND_INS[exchange](seed);
    running.push(standIn);
    endpoints[exchange] = { ws: standIn.wsUrl, rest: standIn.restUrl };
  }
  return {
    endpoints,
    async stop() {
      await Promise.all(running.map((standIn) => standIn.close()));
    },
  };
}
