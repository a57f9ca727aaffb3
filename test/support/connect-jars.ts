/** The jars of a Kafka Connect worker, and Debezium's connector for PostgreSQL: fetched once by Maven. */
import { fileURLToPath } from 'node:url';
import { fetchWithMaven, pomProperty } from './maven.ts';

const POM = fileURLToPath(new URL('./connect/pom.xml', import.meta.url));

export interface ConnectJars {
  /** Folder of the worker's class path. */
  worker: string;
  /** Folder of the plugins: the connector brings its own libraries, which must stay off the class path. */
  plugins: string;
}

let fetched: Promise<ConnectJars> | undefined;

/** Both folders. Throws ServiceUnavailable where Java or Maven is missing or a fetch fails. */
export function connectJars(): Promise<ConnectJars> {
  fetched ??= fetchBoth();
  return fetched;
}

/** The version of Debezium that the tests run. */
export function debeziumVersion(): Promise<string> {
  return pomProperty(POM, 'debezium.version');
}

async function fetchBoth(): Promise<ConnectJars> {
  const version = await debeziumVersion();
  const artifact = `io.debezium:debezium-connector-postgres:${version}:tar.gz:plugin`;
  const worker = await fetchWithMaven({
    ...{ service: 'Kafka Connect', pom: POM, folder: `connect-${await pomProperty(POM, 'kafka.version')}` },
    goal: (into) => ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${into}`],
  });
  const plugins = await fetchWithMaven({
    ...{ service: 'Debezium', pom: POM, folder: `debezium-postgres-${version}` },
    goal: (into) => ['dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`],
    archive: `debezium-connector-postgres-${version}-plugin.tar.gz`,
  });
  return { worker, plugins };
}
