/**
 * Change data capture without Debezium: one process of all reads the replication slot of public.c2c_order and writes
 * Debezium's envelopes to the topic. Where Debezium captures, its slot is watched.
 */
import { readFile } from 'node:fs/promises';
import { C2C_ORDER_TABLE } from '../../schema/cdc.ts';
import { TOPICS } from '../../schema/topics.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Platform, Running } from '../../src/platform/platform.ts';
import { type Lease, workWhileLeased } from '../../src/platform/postgres/lease.ts';
import { PostgresUnavailable } from '../../src/platform/postgres/postgres.ts';
import { readSlot } from '../../src/platform/postgres/slot.ts';
import { fullJitter, pause } from '../../src/platform/retry.ts';
import { judge, readPosition, Superseded, snapshotRequested } from './position.ts';
import { takeSnapshot } from './snapshot.ts';
import { createCaptureStatus } from './status.ts';
import { SnapshotWanted, streamChanges } from './stream.ts';
import { createAlarm, watchSlot } from './watch.ts';

/** The slot of our own reader, and the connector's of deploy/debezium/c2c-order.json. */
export const EMBEDDED_SLOT = 'tickgraph_cdc';
export const DEBEZIUM_SLOT = 'dbz_tickgraph';
const PUBLICATION = 'dbz_pub';

const PUBLICATION_SQL = new URL('../../deploy/debezium/publication.sql', import.meta.url);
const BACKOFF = { baseMs: 200, capMs: 5_000 };
/** Between two looks at what is broken. */
const BROKEN_MS = 2_000;
/** A failure after this long is a new one, not the same again. */
const CALM_MS = 30_000;

/** Who captures where the setting leaves it open: `npm start` itself, the role work leaves it to Kafka Connect. */
export type CaptureDefault = 'embedded' | 'debezium';

/** Tries again and again while the lease is held. */
async function capture(platform: Platform, log: Log, lease: Lease, signal: AbortSignal): Promise<void> {
  const { postgres } = platform;
  const alarm = createAlarm(log);
  const [schema = '', name = ''] = C2C_ORDER_TABLE.split('.');
  const check = (): void => {
    if (!lease.isHeld()) throw new Superseded('the lease is lost');
  };
  const common = {
    ...{ platform, log, slot: EMBEDDED_SLOT, publication: PUBLICATION, table: { schema, name } },
    ...{ topic: TOPICS.cdc.name, fence: lease.fence, signal, check },
    refused: (isRefused: boolean) => alarm(isRefused ? 'log_refuses' : null),
  };

  async function round(): Promise<void> {
    await postgres.query(await readFile(PUBLICATION_SQL, 'utf8'));
    const [place] = await postgres.query<{ database: string }>('SELECT current_database() AS database');
    const options = { ...common, database: place?.database ?? '' };
    const verdict = (await snapshotRequested(postgres))
      ? ({ kind: 'snapshot' } as const)
      : judge(await readSlot(postgres, EMBEDDED_SLOT), await readPosition(postgres, EMBEDDED_SLOT));
    alarm(verdict.kind === 'broken' ? verdict.reason : null);
    if (verdict.kind === 'broken') return pause(BROKEN_MS, signal);
    if (verdict.kind === 'snapshot') return takeSnapshot(options);
    log.info({ slot: EMBEDDED_SLOT }, 'changes are captured');
    return streamChanges({ ...options, from: verdict.from });
  }

  for (let attempt = 0; !signal.aborted && lease.isHeld(); ) {
    const began = performance.now();
    try {
      await round();
      attempt = 0;
    } catch (error) {
      if (signal.aborted || error instanceof SnapshotWanted) continue;
      if (performance.now() - began > CALM_MS) attempt = 0;
      const delayMs = fullJitter(BACKOFF, attempt++);
      const passing = error instanceof PostgresUnavailable;
      log[passing ? 'warn' : 'error']({ err: error, delayMs }, 'changes are not captured for the moment');
      await pause(Math.max(delayMs, 100), signal);
    }
  }
  // whoever has the lease now tells what is broken
  alarm(null);
}

/** Reads while it holds the lease; another process takes over when it does not. */
function captureWhileLeased(platform: Platform, log: Log): Running {
  return workWhileLeased({
    ...{ postgres: platform.postgres, name: 'capture', ms: platform.config.LEASE_MS, log },
    work: (lease, signal) =>
      capture(platform, log, lease, signal).catch((error) => log.error({ err: error }, 'capture ended')),
  });
}

/**
 * Starts what CDC_SOURCE says, in the background: nothing of a process waits for it. `byDefault`: who captures where the
 * setting is `auto`.
 */
export async function startCapture(platform: Platform, byDefault: CaptureDefault): Promise<Running> {
  const { config, postgres } = platform;
  const source = config.CDC_SOURCE === 'auto' ? byDefault : config.CDC_SOURCE;
  const log = platform.log.child({ part: 'capture', source });
  if (source === 'off') return { stop: async () => {} };
  const say = createCaptureStatus({ live: platform.live, table: C2C_ORDER_TABLE, staleMs: config.FEED_STALE_MS, log });
  if (source === 'debezium') {
    return watchSlot({ postgres, log, slot: DEBEZIUM_SLOT, alarm: createAlarm(log, { goesOn: true }), say });
  }
  const watch = watchSlot({ postgres, log, slot: EMBEDDED_SLOT, alarm: null, say });
  const reader = captureWhileLeased(platform, log);
  return {
    async stop() {
      await reader.stop();
      await watch.stop();
    },
  };
}
