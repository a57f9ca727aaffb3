/**
 * Change data capture by our own reader, looked at and set right: `npm run capture -- status` says where it is,
 * `npm run capture -- snapshot` asks it for a new slot and the whole table anew, which is the way back from a slot that is
 * gone, lost or was moved. The reader takes notice within seconds, in whatever process it runs. `npm run capture -- seen`
 * ends the alarm that Debezium's slot was moved, once it is known that nothing is missing.
 */
import { EMBEDDED_SLOT } from '../ingestion/capture/capture.ts';
import { BROKEN, judge, readPosition, requestSnapshot, snapshotRequested } from '../ingestion/capture/position.ts';
import { callOff } from '../ingestion/capture/watched.ts';
import { ConfigError } from './platform/config.ts';
import { runningEmbedded } from './platform/postgres/embedded.ts';
import { formatLsn } from './platform/postgres/lsn.ts';
import { openPostgres } from './platform/postgres/postgres.ts';
import { readSlot } from './platform/postgres/slot.ts';
import { runProcess } from './platform/run.ts';

const command = process.argv[2] ?? 'status';

await runProcess([], async ({ config }) => {
  const commands = ['status', 'snapshot', 'seen'];
  if (!commands.includes(command)) throw new Error(`usage: npm run capture -- ${commands.join('|')}`);
  const url = config.DATABASE_URL || (await runningEmbedded(config.DATA_DIR));
  if (!url) throw new ConfigError(['DATABASE_URL: must be set, or npm start must run']);
  const postgres = await openPostgres({ url, pool: 1, timeoutMs: config.STORE_TIMEOUT_MS });
  try {
    if (command === 'snapshot') await requestSnapshot(postgres);
    if (command === 'seen') await callOff(postgres);
    const [server, position] = [await readSlot(postgres, EMBEDDED_SLOT), await readPosition(postgres, EMBEDDED_SLOT)];
    const verdict = judge(server, position);
    const said = {
      slot: EMBEDDED_SLOT,
      state:
        verdict.kind === 'broken' ? BROKEN[verdict.reason] : verdict.kind === 'snapshot' ? 'no snapshot yet' : 'well',
      position: position && { phase: position.phase, lsn: formatLsn(position.lsn) },
      confirmed: server.slot && formatLsn(server.slot.confirmed),
      read: server.slot?.active ?? false,
      bytesBehind: server.slot?.behind ?? null,
      snapshotRequested: await snapshotRequested(postgres),
    };
    globalThis.process.stdout.write(`${JSON.stringify(said, null, 2)}\n`);
    // a slot that cannot give what it should is a failure to whoever asks
    globalThis.process.exitCode = verdict.kind === 'broken' && !said.snapshotRequested ? 1 : 0;
  } finally {
    await postgres.close();
  }
  return { stop: async () => {} };
});
process.exit();
