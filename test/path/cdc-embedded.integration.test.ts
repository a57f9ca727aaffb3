import { EMBEDDED_SLOT } from '../../ingestion/capture/capture.ts';
import { runCommand } from '../support/command.ts';
import { prepareOwnKafka } from '../support/kafka.ts';
import { prepareOwnRedis } from '../support/redis.ts';
import { type RoleProcess, startRole } from '../support/role.ts';
import { withService } from '../support/service.ts';
import { alarmIn, cdcSuite } from './cdc-suite.ts';

await withService(
  'changes captured by our own reader',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis()]),
  () =>
    cdcSuite({
      ...{ slot: EMBEDDED_SLOT, work: 'off' },
      async begin({ settings }) {
        const start = (): RoleProcess =>
          startRole('src/work.ts', { ...settings, CDC_SOURCE: 'embedded' }, ['--only=capture']);
        let reader = start();
        return {
          kill: async () => void (await reader.end('SIGKILL')),
          start: async () => {
            reader = start();
          },
          revive: async () => {},
          alarm: async () => alarmIn(reader.output()),
          async wayBack() {
            const command = [process.execPath, '--import', 'tsx', 'src/capture.ts', 'snapshot'];
            const { code, output } = await runCommand(command, {
              timeoutMs: 60_000,
              env: { PATH: process.env.PATH, DATABASE_URL: settings.DATABASE_URL },
            });
            if (code !== 0) throw new Error(output);
          },
          output: async () => reader.output().slice(-6_000),
          stop: async () => void (await reader.end('SIGKILL')),
        };
      },
    }),
);
