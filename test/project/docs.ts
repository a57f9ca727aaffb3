/**
 * The parts of the documentation that repeat the code, written from it: `npm run docs` puts them between their markers,
 * and docs.test.ts fails when they differ.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ERROR_CODES } from '../../schema/errors.ts';
import { SETTINGS } from '../../src/platform/config.ts';
import { metrics } from '../../src/platform/metrics.ts';
import { PROJECT } from '../support/tree.ts';

/** Settings that docker-compose.yml gives a value of its own. */
export const COMPOSE_FIXED = [
  'HOST',
  'PORT',
  'METRICS_PORT',
  'DATABASE_URL',
  'REDIS_URL',
  'KAFKA_BROKERS',
  'ACCESS_TOKENS',
];
/** Settings of the embedded parts and stand-ins, which no single role starts. */
export const COMPOSE_UNUSED = ['DATA_DIR', 'SIM_SEED'];
/** What only docker-compose.yml reads. */
export const COMPOSE_SECRETS: Record<string, string> = {
  POSTGRES_PASSWORD: 'Password of the database user; letters and digits, as it becomes part of a URL',
  REDIS_PASSWORD: 'Password of Redis; letters and digits, as it becomes part of a URL',
  DBZ_PASSWORD: 'Password of the role dbz, with which Debezium reads PostgreSQL',
  GRAFANA_PASSWORD: 'Password of the user admin in Grafana',
};

interface Metric {
  name: string;
  help: string;
  labelNames: readonly string[];
  type: string;
}

/** Every metric of the project: full name, kind (counter, gauge, histogram), labels, help. */
export function metricRows(): { name: string; kind: string; labels: readonly string[]; help: string }[] {
  return (Object.values(metrics) as unknown as Metric[]).map((m) => ({
    name: m.name,
    kind: m.type,
    labels: m.labelNames,
    help: m.help,
  }));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

function settingsTable(): string {
  return table(
    ['Setting', 'Default', 'Meaning'],
    Object.entries(SETTINGS).map(([name, s]) => [code(name), code(s.default), s.help]),
  );
}

function metricsTable(): string {
  return table(
    ['Metric', 'Kind', 'Labels', 'Meaning'],
    metricRows().map((m) => [code(m.name), m.kind, m.labels.join(', '), m.help]),
  );
}

function errorsTable(): string {
  return table(
    ['Code', 'Meaning'],
    Object.entries(ERROR_CODES).map(([name, meaning]) => [code(name), meaning]),
  );
}

function envExample(): string {
  const one = (name: string, fallback: string, help: string): string => `# ${help}\n# ${name}=${fallback}\n`;
  return [
    '# Settings and their defaults. npm start needs none of them; docker compose reads them from a copy named .env.\n',
    ...Object.entries(SETTINGS).map(([name, s]) => one(name, s.default, s.help)),
    '# Required by docker compose, together with ACCESS_TOKENS above:\n',
    ...Object.entries(COMPOSE_SECRETS).map(([name, help]) => one(name, '', help)),
  ].join('\n');
}

function composeSettings(): string {
  return Object.keys(SETTINGS)
    .filter((name) => !COMPOSE_FIXED.includes(name) && !COMPOSE_UNUSED.includes(name))
    .map((name) => `    ${name}: \${${name}:-}`)
    .join('\n');
}

/** `text` with `block` between the markers of `name`. Throws where they are missing. */
function between(text: string, [open, close]: readonly [string, string], block: string): string {
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from < 0 || to < from) throw new Error(`markers ${open} … ${close} are missing`);
  const indent = text.slice(text.lastIndexOf('\n', to) + 1, to);
  return `${text.slice(0, from + open.length)}\n${block}\n${indent.trim() === '' ? indent : ''}${text.slice(to)}`;
}

const mark = (name: string): [string, string] => [`<!-- ${name} -->`, `<!-- /${name} -->`];

/** Path and full text of every file that holds written parts, as it must be. */
export async function documents(): Promise<Map<string, string>> {
  const read = (path: string): Promise<string> => readFile(join(PROJECT, path), 'utf8');
  const readme = between(await read('README.md'), mark('settings'), settingsTable());
  return new Map([
    ['README.md', between(readme, mark('errors'), errorsTable())],
    ['.env.example', envExample()],
    ['docs/operations.md', between(await read('docs/operations.md'), mark('metrics'), metricsTable())],
    [
      'docker-compose.yml',
      between(await read('docker-compose.yml'), ['# <settings>', '# </settings>'], composeSettings()),
    ],
  ]);
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of await documents()) await writeFile(join(PROJECT, path), text);
}
