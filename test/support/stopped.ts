/** Tells when a process that was sent SIGSTOP stands still: on a busy machine its threads go on for a moment. */
import { readdir, readFile } from 'node:fs/promises';
import { until } from './until.ts';

/** The state of a thread follows its name, which may hold anything: stopped, or ended with nobody to ask for its end. */
const STOPPED = /^.*\) [TtZX] /s;

/** Resolves when no thread of the process runs any more; at once where there is no /proc to ask. */
export async function stopped(pid: number): Promise<void> {
  const threads = `/proc/${pid}/task`;
  const areStopped = async (): Promise<boolean> => {
    const ids = await readdir(threads).catch(() => []);
    const states = await Promise.all(ids.map((id) => readFile(`${threads}/${id}/stat`, 'utf8').catch(() => '')));
    return states.every((state) => state === '' || STOPPED.test(state));
  };
  await until(`process ${pid} to stand still`, areStopped, { everyMs: 5 });
}
