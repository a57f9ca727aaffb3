/** What Maven fetches for the tests: once, into the project's cache folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ServiceUnavailable } from './service.ts';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
const FETCH_MS = 300_000;
/** What Kafka 4 needs. */
const JAVA = 17;
const HOW = 'install a JDK 17 or newer and Maven, e.g. apt-get install openjdk-17-jre-headless maven';

export interface Fetch {
  /** Who needs it, for the message where it can't be had. */
  service: string;
  pom: string;
  /** The folder in the cache: what is there already is not fetched again. */
  folder: string;
  /** The goal and its options, given the folder to fill. */
  goal(into: string): readonly string[];
  /** An archive among what was fetched, to be unpacked. */
  archive?: string;
}

/** The value of a property of a pom, e.g. `kafka.version`. */
export async function pomProperty(pom: string, name: string): Promise<string> {
  const found = new RegExp(`<${name.replaceAll('.', '\\.')}>(.*)</`).exec(await readFile(pom, 'utf8'))?.[1];
  if (!found) throw new Error(`${pom} has no property ${name}`);
  return found;
}

/** The filled folder. Throws ServiceUnavailable where Java or Maven is missing or the fetch fails. */
export async function fetchWithMaven({ service, pom, folder, goal, archive }: Fetch): Promise<string> {
  const found = /version "(\d+)/.exec(await mustRun(service, 'java', ['-version'], HOW))?.[1];
  if (Number(found) < JAVA) throw new ServiceUnavailable(service, `Java is of version ${found}`, HOW);
  const target = join(CACHE, folder);
  if (existsSync(target)) return target;
  await mkdir(CACHE, { recursive: true });
  // fetched aside and moved into place as a whole: test processes that start together each fetch, one of them wins
  const aside = await mkdtemp(join(CACHE, `${folder}-fetching-`));
  try {
    const how = `${HOW}; Maven must reach Maven Central or a mirror`;
    await mustRun(service, 'mvn', ['-q', '-B', '-f', pom, ...goal(aside)], how);
    if (archive) await mustRun(service, 'tar', ['xzf', join(aside, archive), '-C', aside], 'install tar');
    await rename(aside, target).catch((error) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return target;
}

/** What the command said. */
async function mustRun(service: string, command: string, args: readonly string[], how: string): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, args, { timeout: FETCH_MS });
    return `${stdout}${stderr}`;
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().split('\n').at(0) ?? '';
    const reason = code === 'ENOENT' ? `there is no ${command}` : `${command} failed: ${said}`;
    throw new ServiceUnavailable(service, reason, how, { cause: error });
  }
}
