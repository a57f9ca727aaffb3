/** A process of its own that begins and ends as ours do; argv[2] names what happens to it. */
import { runProcess } from '../../../src/platform/run.ts';

const mode = process.argv[2];
const never = new Promise<never>(() => {});

await runProcess([], async ({ log, config, fatal }) => {
  if (mode === 'start-fails') throw new Error(`no answer from ${config.DATABASE_URL}`);
  const alive = setInterval(() => {}, 1_000);
  if (mode === 'start-hangs') {
    log.info('up');
    await never;
  }
  log.info('up');
  if (mode === 'fatal') setTimeout(() => fatal(new Error('the group can not be joined')), 50);
  if (mode === 'rejection') setTimeout(() => void Promise.reject(new Error('nobody awaits this')), 50);
  return {
    async stop() {
      clearInterval(alive);
      log.info('stopping');
      if (mode === 'stop-fails') throw new Error('not flushed');
      if (mode === 'stop-hangs') await never;
    },
  };
});
