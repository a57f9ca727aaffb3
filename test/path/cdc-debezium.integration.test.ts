import { test } from 'node:test';
import { DEBEZIUM_SLOT } from '../../ingestion/capture/capture.ts';
import { dropSlot } from '../../src/platform/postgres/slot.ts';
import { prepareDebezium, startDebezium } from '../support/debezium.ts';
import { prepareOwnKafka } from '../support/kafka.ts';
import { prepareOwnRedis } from '../support/redis.ts';
import { withService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { alarmIn, cdcSuite } from './cdc-suite.ts';

await withService(
  'changes captured by Debezium',
  () => Promise.all([prepareOwnKafka(), prepareOwnRedis(), prepareDebezium()]),
  () =>
    cdcSuite({
      ...{ slot: DEBEZIUM_SLOT, work: 'debezium' },
      async begin(world) {
        const { kafka, settings, password, postgres } = world;
        const debezium = await startDebezium({
          ...{ brokers: kafka.brokers, databaseUrl: settings.DATABASE_URL ?? '', password },
          // as in production, but for the pace
          connector: { 'heartbeat.interval.ms': '1000', 'retriable.restart.connector.wait.ms': '1000' },
        });
        await debezium.register();
        await debezium.running();
        let revivedAt = Date.now();
        return {
          kill: () => debezium.kill('SIGKILL'),
          start: () => debezium.restart(),
          async revive() {
            // as often as the supervisor of docker-compose.yml, but for the pace
            if (Date.now() - revivedAt < 3_000) return;
            revivedAt = Date.now();
            await debezium.restartFailed().catch(() => {});
          },
          alarm: async () => alarmIn(world.work.output()),
          async wayBack() {
            // docs/operations.md, "The way back", word for word
            await debezium.rest('PUT', '/connectors/c2c-order/stop');
            await until('the offsets to be forgotten', async () => {
              return (await debezium.rest('DELETE', '/connectors/c2c-order/offsets')).status === 200;
            });
            await dropSlot(postgres, DEBEZIUM_SLOT);
            await debezium.rest('PUT', '/connectors/c2c-order/resume');
            await debezium.running();
          },
          output: async () => `${JSON.stringify(await debezium.state())}\n${debezium.output().slice(-4_000)}`,
          stop: () => debezium.stop(),
        };
      },
      more: (world) =>
        test('the table can be had anew while changes are captured', async () => {
          const { postgres, subscriber } = world();
          const before = subscriber.events.length;
          await postgres.query(
            `INSERT INTO public.dbz_signal (id, type, data) VALUES
               (gen_random_uuid(), 'execute-snapshot', '{"data-collections": ["public.c2c_order"], "type": "incremental"}')`,
          );
          const [row] = await postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM public.c2c_order');
          const read = (): number =>
            subscriber.events.slice(before).filter(({ cdcEvent }) => cdcEvent.record.op === 'READ').length;
          await until('every row', () => read() === row?.n, { timeoutMs: 60_000 });
        }),
    }),
);
