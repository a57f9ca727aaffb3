/** What went wrong, told once more at the end of a run: of a long output only the last lines may be kept. */

/** One failure: the test's full name and its error text. */
export interface Failure {
  name: string;
  text: string;
}

/** Failures whose text is told again, the lines each may take, and those of all together. */
const IN_FULL = 3;
const LINES = 25;
const ALL_LINES = 48;

/** At most `limit` lines: the first say what was wrong, the last where. */
function shortened(text: string, limit: number): string[] {
  const lines = text.trimEnd().split('\n');
  if (lines.length <= limit) return lines;
  const head = Math.floor(limit / 3);
  const tail = limit - head - 1;
  return [...lines.slice(0, head), `… ${lines.length - head - tail} lines …`, ...lines.slice(-tail)];
}

/** The error texts of the first three failures, shortened and indented, as lines; none where nothing failed. */
export function failureDigest(failures: readonly Failure[]): string[] {
  const told = failures.filter(({ text }) => text.trim() !== '').slice(0, IN_FULL);
  const limit = Math.min(LINES, Math.floor(ALL_LINES / Math.max(1, told.length)));
  return told.flatMap(({ name, text }) => [`  ✖ ${name}`, ...shortened(text, limit).map((line) => `    ${line}`)]);
}
