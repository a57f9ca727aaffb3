/**
 * An exchange's REST API for a task beside the feeds. It is asked from the same address: it keeps to the bans that the feeds
 * met, tells them its own, and takes no more of the weight than they leave.
 */
import { createExchangeRest, type ExchangeRest, RestFailed } from '../../src/platform/exchange/rest.ts';
import { holderName } from '../../src/platform/postgres/lease.ts';
import type { Connector } from '../exchanges/connector.ts';
import type { TaskContext } from '../task.ts';
import { createBans, restPlace } from './bans.ts';

/** The longest that a ban is waited for; a longer one is left to the next run. */
export const LONGEST_WAIT_MS = 60_000;
/** What the feeds take is four fifths of what an exchange allows, so that a quarter as much is left. */
const GUEST_PART = 4;

/**
 * Does `work` with the API of an exchange. Throws RestFailed where its address is banned for longer than is waited for, what
 * the database says, and what `work` throws.
 */
export async function withGuestRest<T>(
  { platform: { config, postgres }, log }: Pick<TaskContext, 'platform' | 'log'>,
  { limits, settings, endpoints }: Connector,
  work: (rest: ExchangeRest) => Promise<T>,
): Promise<T> {
  const base = (config[settings.rest] as string | undefined) || endpoints.rest;
  const { weight, perMs } = limits.rest;
  const rest = createExchangeRest({ base, timeoutMs: config.STORE_TIMEOUT_MS, weight: weight / GUEST_PART, perMs });
  const bans = createBans(postgres, new Map([[restPlace(base), rest]]), holderName(), log);
  await bans.read();
  const ms = Math.round(rest.silentFor());
  if (ms > LONGEST_WAIT_MS) throw new RestFailed(`the exchange wants no calls for ${ms} ms`, 429, ms);
  bans.start();
  try {
    return await work(rest);
  } finally {
    await bans.stop();
  }
}
