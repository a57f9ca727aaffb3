import type { Config } from '../../src/platform/config.ts';

/** Why a merchant's orders can't be fetched; null where they can. */
export function needsKey(config: Config): string | null {
  return config.BINANCE_API_KEY ? null : 'BINANCE_API_KEY is not set';
}
