/**
 * `npm run bench:cdc [-- --quick] [--only=embedded|debezium] [--json=file]`: from a commit in PostgreSQL to the subscriber of
 * `cdcEvent`, and rows a second through one large upsert, beside the shortest way there is. See bench/README.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measure, type Round, type Source } from './cdc/round.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string', default: '' },
  },
});
const size = flags.quick ? { writes: 100, rows: 20_000 } : { writes: 1_000, rows: 100_000 };
const sources: readonly Source[] = ['embedded', 'debezium'];

const rounds: Round[] = [];
for (const source of sources.filter((one) => flags.only === '' || flags.only === one)) {
  rounds.push(await measure(source, size));
}
console.log(
  `${size.writes} single writes, then one upsert of ${size.rows} rows; ratios to the limit of the same round`,
);
console.table(
  rounds.flatMap(({ source, limit, measured }) =>
    [
      { way: `limit, beside ${source}`, of: limit },
      { way: source, of: measured },
    ].map(({ way, of }) => ({
      way,
      'p50 ms': of.p50.toFixed(1),
      'p99 ms': of.p99.toFixed(1),
      'rows/s': Math.round(of.rowsPerSecond),
      'p50 ratio': (of.p50 / limit.p50).toFixed(1),
      'p99 ratio': (of.p99 / limit.p99).toFixed(1),
      'rows/s ratio': (of.rowsPerSecond / limit.rowsPerSecond).toFixed(2),
    })),
  ),
);
if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ size, rounds }, null, 2)}\n`);
process.exit();
