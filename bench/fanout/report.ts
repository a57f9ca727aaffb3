/** Rows as tables, and what became of the aims. */
import { AIMS, type Aim, CASES, SERVERS } from './cases.ts';
import type { Row } from './measure.ts';

const middle = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
};

/** One row for each case and server: the median of each figure over the rounds that count. */
export function medians(rows: readonly Row[]): Row[] {
  const groups = Map.groupBy(rows, (row) => `${row.case}\n${row.server}`);
  return [...groups.values()].map((group) => {
    const good = group.filter((row) => row.void === null);
    const from = good.length > 0 ? good : group;
    const figures = ['cpu', 'user', 'rate', 'p50', 'p99', 'utilisation', 'generator', 'idle', 'busy'] as const;
    const row = { ...(from[0] as Row) };
    for (const figure of figures) row[figure] = middle(from.map((one) => one[figure]));
    return row;
  });
}

export interface Verdict {
  aim: string;
  value: number;
  bound: string;
  met: boolean | null;
}

function measured(aim: Aim, rows: readonly Row[]): number {
  const find = (name: string, server: string) =>
    rows.find((row) => row.case === name && row.server === server && row.void === null);
  const ours = find(aim.case, 'tickgraph');
  const other = find(aim.base ?? aim.case, aim.against ?? 'tickgraph');
  if (!ours) return Number.NaN;
  if (aim.kind === 'idle') return ours.idle;
  if (!other) return Number.NaN;
  if (aim.kind === 'p99') return ours.p99 / other.p99;
  return aim.kind === 'unmatched' ? ours.cpu / other.cpu : other.cpu / ours.cpu;
}

/** The aims whose cases were measured. */
export function verdicts(rows: readonly Row[]): Verdict[] {
  return AIMS.flatMap((aim) => {
    if (!rows.some((row) => row.case === aim.case)) return [];
    const value = Number(measured(aim, rows).toFixed(2));
    const atLeast = aim.kind === 'cpu';
    const met = Number.isNaN(value) ? null : atLeast ? value >= aim.bound : value <= aim.bound;
    return [{ aim: `${aim.case}: ${aim.text}`, value, bound: `${atLeast ? '≥' : '≤'} ${aim.bound}`, met }];
  });
}

function table(head: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  const all = [head, head.map(() => '---'), ...lines];
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Everything as Markdown. */
export function markdown(rows: readonly Row[]): string {
  const parts = CASES.flatMap(({ name }) => {
    const found = rows.filter((row) => row.case === name);
    if (found.length === 0) return [];
    const head = ['server', 'µs/msg (user)', 'msg/s', 'p50 / p99 ms', 'core', 'generator', 'kB idle / busy', ''];
    const lines = SERVERS.flatMap(({ name: server, label }) => {
      const row = found.find((one) => one.server === server);
      if (!row) return [];
      const { cpu, user, rate, p50, p99, utilisation, generator, idle, busy } = row;
      const cells = [label, `${cpu} (${user})`, rate, `${p50} / ${p99}`, utilisation, generator, `${idle} / ${busy}`];
      return [[...cells, row.void ? `void: ${row.void}` : '']];
    });
    return [`### ${name}\n\n${table(head, lines)}`];
  });
  const aims = verdicts(rows).map(({ aim, value, bound, met }) => [
    aim,
    Number.isNaN(value) ? '–' : value,
    bound,
    met === null ? 'not measured' : met ? 'yes' : 'no',
  ]);
  return [...parts, `### Aims\n\n${table(['aim', 'measured', 'asked', 'met'], aims)}`].join('\n\n');
}
