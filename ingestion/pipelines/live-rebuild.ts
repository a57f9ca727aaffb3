/** Empties the live store and has it filled again: from the log, from gold, and from the exchanges' REST. */
import { clearLive } from '../live/clear.ts';
import { liveIsFilled } from '../live/filled.ts';
import { minutesFromExchanges } from '../live/from-exchanges.ts';
import { klinesFromGold } from '../live/from-gold.ts';
import { chain, type Pipeline, USUAL } from './pipeline.ts';

export const liveRebuild: Pipeline = {
  ...{ name: 'live_rebuild', schedule: null, ...USUAL },
  tries: 2,
  timeoutMs: 10 * 60_000,
  steps: chain(clearLive, klinesFromGold, minutesFromExchanges, liveIsFilled),
};
