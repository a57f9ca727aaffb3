/** A real S3-compatible server for the tests (Adobe's S3Mock, Apache-2.0), from Maven Central. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { fetchWithMaven, pomProperty } from './maven.ts';
import { ServiceUnavailable } from './service.ts';
import { until } from './until.ts';

const POM = fileURLToPath(new URL('./s3/pom.xml', import.meta.url));
const MEMORY = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export interface TestS3 {
  host: string;
  bucket: string;
  stop(): Promise<void>;
}

/** Fetches the jar. Throws ServiceUnavailable where it can't be had. */
export async function prepareS3(): Promise<string> {
  const version = await pomProperty(POM, 's3mock.version');
  const folder = await fetchWithMaven({
    service: 'S3',
    pom: POM,
    folder: `s3mock-${version}`,
    goal: (into) => ['dependency:copy-dependencies', '-DexcludeTransitive=true', `-DoutputDirectory=${into}`],
  });
  const jar = (await readdir(folder)).find((name) => name.endsWith('-exec.jar'));
  if (!jar) throw new ServiceUnavailable('S3', 'the jar is not where it was fetched to', `remove ${folder}`);
  return join(folder, jar);
}

function kill(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', () => done());
    child.kill('SIGKILL');
  });
}

/** Starts it with an empty bucket, on loopback. */
export async function startS3(): Promise<TestS3> {
  const jar = await prepareS3();
  const [http, https] = [await freePort(), await freePort()];
  const root = await mkdtemp(join(tmpdir(), 'tickgraph-s3-'));
  const own = `-Dcom.adobe.testing.s3mock`;
  const options = [`${own}.httpPort=${http}`, `${own}.store.root=${root}`, `${own}.store.initialBuckets=landing`];
  const child = spawn(
    'java',
    [...MEMORY, ...options, '-jar', jar, `--server.port=${https}`, '--server.address=127.0.0.1'],
    { stdio: 'ignore' },
  );
  const host = `127.0.0.1:${http}`;
  try {
    await until('the S3 server to answer', async () => (await fetch(`http://${host}/`)).ok, { timeoutMs: 60_000 });
    // the bucket is there already where the server makes it by itself
    await fetch(`http://${host}/landing`, { method: 'PUT' });
  } catch (error) {
    await kill(child);
    await rm(root, { recursive: true, force: true });
    throw error;
  }
  return {
    host,
    bucket: 'landing',
    async stop() {
      await kill(child);
      await rm(root, { recursive: true, force: true });
    },
  };
}
