/** The jars of the test broker: fetched once by Maven from the pinned pom into the project's cache folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ServiceUnavailable } from './service.ts';

const run = promisify(execFile);
const POM = fileURLToPath(new URL('./kafka/pom.xml', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
const FETCH_MS = 300_000;
/** What Kafka 4 needs. */
const JAVA = 17;
const HOW = 'install a JDK 17 or newer and Maven, e.g. apt-get install openjdk-17-jre-headless maven';

let fetched: Promise<string> | undefined;

/** The folder of the jars. Throws ServiceUnavailable where Java or Maven is missing or the fetch fails. */
export function kafkaJars(): Promise<string> {
  fetched ??= fetchJars();
  return fetched;
}

async function fetchJars(): Promise<string> {
  const found = /version "(\d+)/.exec(await mustRun('java', ['-version'], HOW))?.[1];
  if (Number(found) < JAVA) throw new ServiceUnavailable('Kafka', `Java is of version ${found}`, HOW);
  const version = /<kafka\.version>(.*)<\/kafka\.version>/.exec(await readFile(POM, 'utf8'))?.[1] ?? 'unknown';
  const folder = join(CACHE, `kafka-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  // fetched aside and moved into place as a whole: test processes that start together each fetch, one of them wins
  const aside = await mkdtemp(join(CACHE, 'kafka-fetching-'));
  try {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${aside}`];
    await mustRun('mvn', ['-q', '-B', '-f', POM, ...goal], `${HOW}; Maven must reach Maven Central or a mirror`);
    await rename(aside, folder).catch((error) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return folder;
}

/** What the command said. */
async function mustRun(command: string, args: readonly string[], how: string): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, args, { timeout: FETCH_MS });
    return `${stdout}${stderr}`;
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().split('\n').at(0) ?? '';
    const reason = code === 'ENOENT' ? `there is no ${command}` : `${command} failed: ${said}`;
    throw new ServiceUnavailable('Kafka', reason, how, { cause: error });
  }
}
