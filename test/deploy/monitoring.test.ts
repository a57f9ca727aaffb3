import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/platform/config.ts';
import { metricRows } from '../project/docs.ts';
import { readCompose } from '../support/compose.ts';
import { projectText } from '../support/tree.ts';

interface Panel {
  type: string;
  title: string;
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string }[];
}
interface Prometheus {
  rule_files: string[];
  scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
}
interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
}

const dashboard = JSON.parse(await projectText('deploy/grafana/dashboards/tickgraph.json')) as { panels: Panel[] };
const prometheus = parse(await projectText('deploy/prometheus/prometheus.yml')) as Prometheus;
const rules = (parse(await projectText('deploy/prometheus/alerts.yml')) as Rules).groups.flatMap((g) => g.rules);
const { services } = await readCompose();

/** Series of a metric → its labels. A histogram has three. */
const series = new Map(
  metricRows().flatMap(({ name, kind, labels }) =>
    (kind === 'histogram' ? ['_bucket', '_count', '_sum'] : ['']).map((s) => [name + s, labels] as const),
  ),
);
/** Labels that Prometheus itself adds. */
const ADDED = ['job', 'instance', 'le'];

/** What is wrong with the names in an expression; `used` are labels that a text shows. */
function problems(expr: string, used: readonly string[]): string[] {
  const names = expr.match(/\btickgraph_\w+/g) ?? [];
  const labels = names.flatMap((name) => series.get(name) ?? []);
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const known = new Set([...ADDED, ...labels]);
  return [
    ...names.filter((name) => !series.has(name)).map((name) => `no metric ${name}`),
    ...[...grouped, ...used].filter((label) => !known.has(label)).map((label) => `no label ${label} in ${expr}`),
    ...used.filter((label) => !grouped.includes(label)).map((label) => `${label} is lost in ${expr}`),
  ];
}

const shown = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map((m) => m[1] ?? '');

test('every metric and label of the dashboard exists', () => {
  const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);
  assert.ok(targets.length > 20);
  assert.deepEqual(
    targets.flatMap(({ expr, legendFormat }) => problems(expr, shown(legendFormat))),
    [],
  );
});

test('every metric and label of the alerts exists', () => {
  const found = rules.flatMap(({ expr, annotations }) =>
    // a plain selector keeps every label
    problems(expr, expr.includes('by (') ? shown(annotations.summary) : []),
  );
  assert.deepEqual(found, []);
  assert.equal(new Set(rules.map((r) => r.alert)).size, rules.length);
});

test('the check itself finds a wrong name', () => {
  assert.deepEqual(problems('sum by (planet) (tickgraph_nothing_total)', []).length, 2);
});

test('Prometheus scrapes every role on the port of its metrics', () => {
  const jobs = prometheus.scrape_configs.map((job) => [job.job_name, job.dns_sd_configs[0]?.port]);
  assert.deepEqual(jobs, [
    ['api', Number(SETTINGS.PORT.default)],
    ['ingest', Number(SETTINGS.METRICS_PORT.default)],
    ['work', Number(SETTINGS.METRICS_PORT.default)],
  ]);
  for (const { job_name, dns_sd_configs } of prometheus.scrape_configs) {
    assert.deepEqual(dns_sd_configs[0]?.names, [job_name]);
    assert.ok(services[job_name], job_name);
  }
  assert.deepEqual(prometheus.rule_files, ['alerts.yml']);
});

test('Grafana finds Prometheus and the dashboard', async () => {
  const { datasources } = parse(await projectText('deploy/grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  assert.deepEqual(
    datasources.map((d) => d.url),
    ['http://prometheus:9090'],
  );
  for (const panel of dashboard.panels) {
    if (panel.type !== 'row') assert.equal(panel.datasource?.uid, datasources[0]?.uid, panel.title);
  }
  const { providers } = parse(await projectText('deploy/grafana/provisioning/dashboards/tickgraph.yml')) as {
    providers: { options: { path: string } }[];
  };
  const mounts = services.grafana?.volumes ?? [];
  assert.ok(mounts.includes(`./deploy/grafana/dashboards:${providers[0]?.options.path}:ro`));
});
