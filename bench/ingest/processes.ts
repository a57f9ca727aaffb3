/** CPU time of other processes, from /proc; where there is none (macOS), they are left out. */
import { readdir, readFile } from 'node:fs/promises';

const TICKS_PER_SECOND = 100;

interface Stat {
  pid: number;
  parent: number;
  /** Own, and of children that have ended, s. */
  cpuSeconds: number;
}

async function statOf(pid: string): Promise<Stat | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // the name in parentheses may hold spaces
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const ticks = fields.slice(11, 15).reduce((sum, n) => sum + n, 0);
    return { pid: Number(pid), parent, cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return null;
  }
}

/** Seconds of CPU so far, by the names of `roots`: each process and its children. */
export async function cpuSecondsOf(roots: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const pids = await readdir('/proc').catch(() => []);
  const stats = (await Promise.all(pids.filter((name) => /^\d+$/.test(name)).map(statOf))).filter((s) => s !== null);
  return Object.fromEntries(
    Object.entries(roots).map(([name, root]) => {
      const mine = stats.filter(({ pid, parent }) => pid === root || parent === root);
      return [name, mine.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)];
    }),
  );
}
