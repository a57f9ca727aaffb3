/**
 * Says to those who follow a table's changes whether they are captured. Every process that watches the slot says it, of one
 * and the same slot: what is broken already keeps the time that it was first said with.
 */
import type { CaptureStatus } from '../../schema/cdc.ts';
import { streamKey } from '../../schema/channels.ts';
import { captureKey } from '../../schema/live/keys.ts';
import type { LiveStore } from '../../src/platform/live/store.ts';
import type { Log } from '../../src/platform/log.ts';

const FIELD = 'status';

export interface CaptureStatusOptions {
  live: Pick<LiveStore, 'fields' | 'put'>;
  table: string;
  /** A slot that nobody has read for this long is one whose reader is away; it is said twice within this time. */
  staleMs: number;
  log: Log;
}

/** What a look at the slot found. `broken`: no reader can go on with it. */
export interface SlotHealth {
  read: boolean;
  broken: boolean;
}

/** Takes what each look found, and says it when it changes and in between. Never throws. */
export function createCaptureStatus(options: CaptureStatusOptions): (found: SlotHealth) => Promise<void> {
  const { live, table, staleMs, log } = options;
  const key = captureKey(table);
  let silentSince: number | null = null;
  let said: CaptureStatus | null = null;

  async function say({ read, broken }: SlotHealth): Promise<void> {
    const now = Date.now();
    if (read && !broken) silentSince = null;
    else silentSince ??= now;
    const isLong = silentSince !== null && now - silentSince > staleMs;
    const isBroken = broken || isLong;
    const isNew = said === null || isBroken !== (said.brokenSince !== null);
    if (!isNew && said && now - said.at < staleMs / 3) return;
    const text = (await live.fields(key))[FIELD];
    const before = text ? (JSON.parse(text) as CaptureStatus) : null;
    // another has seen for longer that nobody reads
    const known = silentSince !== null && before && now - before.at < staleMs ? before.brokenSince : null;
    const status = { at: now, brokenSince: known ?? (isBroken ? silentSince : null) };
    await live.put(streamKey('cdc', table), [{ kind: 'field', key, field: FIELD, value: JSON.stringify(status) }]);
    said = status;
  }

  return (found) => say(found).catch((error) => log.debug({ err: error }, 'how capture is doing could not be said'));
}
