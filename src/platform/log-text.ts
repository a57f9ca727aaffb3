/** A log line as somebody at a terminal wants to read it: time, level, what happened, and the details behind it. */

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** `a=1 b=x,y`, nested values as JSON. */
function details(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      const plain = Array.isArray(value) && value.every((one) => typeof one !== 'object');
      return `${name}=${typeof value === 'string' ? value : plain ? value.join(',') : JSON.stringify(value)}`;
    })
    .join(' ');
}

/**
 * The text of one of pino's JSON lines, newline included, e.g. `12:00:01 info  following  exchange=BINANCE`. An error's
 * message follows, from the level `error` upwards its whole stack. What is not JSON comes back as it is.
 */
export function textOf(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { level, time, msg = '', err, ...fields } = entry;
  const name = LEVELS[Number(level)] ?? String(level);
  const { message, stack } = (err ?? {}) as { message?: string; stack?: string };
  const why = message === undefined ? '' : Number(level) >= 50 ? `\n${stack ?? message}` : `: ${message}`;
  const rest = details(fields);
  return `${String(time).slice(11, 19)} ${name.padEnd(5)} ${String(msg)}${rest && `  ${rest}`}${why}\n`;
}
