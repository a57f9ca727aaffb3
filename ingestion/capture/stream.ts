/** Reads changes from the slot into the log, and moves the slot behind what is safe. */
import type { Log } from '../../src/platform/log.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { type ChangeMessage, openChanges, type Relation } from '../../src/platform/postgres/replication.ts';
import { pause } from '../../src/platform/retry.ts';
import { fault } from '../workers/fault.ts';
import { changeMessages, type Place } from './envelope.ts';
import { Outbox } from './outbox.ts';
import { snapshotRequested, writePosition } from './position.ts';
import { readShape, type TableShape } from './shape.ts';

/** How often the position is kept while changes come, and while none do: what a crash makes us read again. */
const KEEP_MS = 1_000;
const KEEP_IDLE_MS = 10_000;

export interface StreamOptions {
  platform: Platform;
  log: Log;
  slot: string;
  publication: string;
  table: { schema: string; name: string };
  topic: string;
  database: string;
  fence: bigint;
  from: bigint;
  signal: AbortSignal;
  /** Throws where this process may not write any more. */
  check(): void;
  /** The log does not take what is sent, however often; false: it does again. */
  refused(isRefused: boolean): void;
}

/** A new snapshot was asked for. */
export class SnapshotWanted extends Error {
  override readonly name = 'SnapshotWanted';
}

/**
 * Streams until it is stopped by `signal`. Throws what ended it: PostgresUnavailable, SnapshotWanted, or what `check` throws.
 * Everything that was read and is not safe yet is read again the next time.
 */
export async function streamChanges(options: StreamOptions): Promise<void> {
  const { platform, slot, fence, table, signal } = options;
  const { postgres, config } = platform;
  const shapes = new Map<number, TableShape>();
  const transaction = { time: 0n, xid: 0 };
  let lastCommit: bigint | null = null;
  let kept = options.from;
  let keptAt = performance.now();
  let changed = false;
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  // what waits for the log is not sent any more once the stream is over: it would come after what the next one sends
  const outbox = new Outbox({ broker: platform.broker, ...options, signal: ending });
  let hurry = new AbortController();

  async function learn(relation: Relation): Promise<void> {
    if (relation.schema !== table.schema || relation.name !== table.name) return;
    shapes.set(relation.relationOid, await readShape(postgres, relation, relation.columns));
  }

  function place(lsn: bigint): Place {
    // ids of transactions have 32 bits and no sign
    const txId = transaction.xid >>> 0;
    return { database: options.database, lsn, lastCommit, txId, time: transaction.time, snapshot: 'false' };
  }

  async function onMessage(lsn: bigint, message: ChangeMessage, more: boolean): Promise<void> {
    switch (message.tag) {
      case 'begin':
        transaction.time = BigInt(message.commitTime.toString());
        transaction.xid = message.xid;
        return;
      case 'relation':
        return learn(message);
      case 'commit':
        // its place is the end of the transaction
        lastCommit = lsn;
        outbox.whole(lsn);
        if (!more) await outbox.flush();
        return;
      case 'truncate':
        for (const { relationOid } of message.relations) {
          const shape = shapes.get(relationOid);
          if (shape) await outbox.add(changeMessages(shape, message, place(lsn)));
        }
        changed = true;
        return;
      case 'insert':
      case 'update':
      case 'delete': {
        const shape = shapes.get(message.relation.relationOid);
        if (!shape) return;
        await outbox.add(changeMessages(shape, message, place(lsn)));
        changed = true;
      }
    }
  }

  const changes = openChanges({
    ...{ url: postgres.url, slot, publication: options.publication, from: options.from },
    silenceMs: Math.max(config.STORE_TIMEOUT_MS * 3, 15_000),
    onMessage,
    onIdle(lsn, asked) {
      outbox.whole(lsn);
      // it may be shutting down, and then it waits for us
      if (asked) hurry.abort();
    },
  });

  async function keep(): Promise<void> {
    options.check();
    const safe = await outbox.safe();
    if (safe <= kept) return;
    await writePosition(postgres, slot, fence, { phase: 'stream', lsn: safe });
    fault('capture_kept');
    changes.confirm(safe);
    kept = safe;
    keptAt = performance.now();
    changed = false;
  }

  async function keepAgainAndAgain(): Promise<void> {
    while (!ending.aborted) {
      await pause(KEEP_MS, AbortSignal.any([ending, hurry.signal]));
      if (ending.aborted) return;
      const asked = hurry.signal.aborted;
      if (asked) hurry = new AbortController();
      if (await snapshotRequested(postgres)) throw new SnapshotWanted('a new snapshot was asked for');
      if (asked || changed || performance.now() - keptAt >= KEEP_IDLE_MS) await keep();
    }
  }

  const keeping = keepAgainAndAgain();
  try {
    await Promise.race([changes.ended, keeping]);
  } finally {
    over.abort();
    await keeping.catch(() => {});
    // what the log has by now need not be read again
    await keep().catch(() => {});
    await changes.stop();
  }
}
