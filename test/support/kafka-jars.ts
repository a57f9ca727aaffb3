/** The jars of the test broker: fetched once by Maven from the pinned pom. */
import { fileURLToPath } from 'node:url';
import { fetchWithMaven, pomProperty } from './maven.ts';

const POM = fileURLToPath(new URL('./kafka/pom.xml', import.meta.url));

let fetched: Promise<string> | undefined;

/** The folder of the jars. Throws ServiceUnavailable where Java or Maven is missing or the fetch fails. */
export function kafkaJars(): Promise<string> {
  fetched ??= fetchJars();
  return fetched;
}

async function fetchJars(): Promise<string> {
  return fetchWithMaven({
    ...{ service: 'Kafka', pom: POM, folder: `kafka-${await pomProperty(POM, 'kafka.version')}` },
    goal: (into) => ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${into}`],
  });
}
