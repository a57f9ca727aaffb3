/** The table as it is, as `r` events: what the slot's changes begin at, nothing missed and nothing told twice. */
import type { OutgoingMessage } from '../../src/platform/broker/broker.ts';
import { createSlot, dropSlot, type Snapshot } from '../../src/platform/postgres/slot.ts';
import { fault } from '../workers/fault.ts';
import { type Place, snapshotMessage } from './envelope.ts';
import { Outbox } from './outbox.ts';
import { forgetRequest, writePosition } from './position.ts';
import { readShape } from './shape.ts';
import type { StreamOptions } from './stream.ts';

const LOOK_MS = 50;

type SnapshotOptions = Omit<StreamOptions, 'from'>;

async function tell(snapshot: Snapshot, outbox: Outbox, options: SnapshotOptions): Promise<number> {
  const { table, database } = options;
  const { at, takenAt, xid } = snapshot;
  const place = { database, lsn: at, lastCommit: null, txId: xid, time: takenAt };
  let told = 0;
  // the last row has a mark of its own, so each waits until the next is there
  let waiting: ((mark: Place['snapshot']) => OutgoingMessage) | null = null;
  for await (const { columns, rows } of snapshot.read(`"${table.schema}"."${table.name}"`)) {
    const shape = await readShape(options.platform.postgres, table, columns);
    for (const row of rows) {
      if (waiting) await outbox.add([waiting(told === 1 ? 'first' : 'true')]);
      waiting = (mark) => snapshotMessage(shape, row, { ...place, snapshot: mark });
      told += 1;
      fault('capture_snapshot');
    }
  }
  if (waiting) await outbox.add([waiting('last')]);
  return told;
}

/**
 * Makes the slot anew and puts every row that it begins at into the log. A crash or a throw on the way leaves the position at
 * `snapshot`, and the whole is done again. Throws what the stores throw.
 */
export async function takeSnapshot(options: SnapshotOptions): Promise<void> {
  const { platform, slot, fence, log, signal } = options;
  const { postgres, broker, config } = platform;
  await writePosition(postgres, slot, fence, { phase: 'snapshot', lsn: 0n });
  await forgetRequest(postgres);
  await dropSlot(postgres, slot);
  const timeoutMs = Math.max(config.STORE_TIMEOUT_MS, 5_000);
  const snapshot = await createSlot({ url: postgres.url, slot, timeoutMs, signal, log });
  try {
    const outbox = new Outbox({ broker, ...options });
    const rows = await tell(snapshot, outbox, options);
    outbox.whole(snapshot.at);
    await outbox.flush();
    // where the log dies with the process, a snapshot is over when the stores have it
    while ((await outbox.safe()) < snapshot.at) {
      signal.throwIfAborted();
      options.check();
      await new Promise((next) => setTimeout(next, LOOK_MS));
    }
    await writePosition(postgres, slot, fence, { phase: 'stream', lsn: snapshot.at });
    log.info({ rows, slot }, 'the table is in the log, changes follow');
  } finally {
    await snapshot.close();
  }
}
