/** Frames as no exchange would send them: cut, garbled, with keys and values exchanged. */

const VALUES = [
  'null',
  '-1',
  '0',
  '1e9999',
  'NaN',
  '""',
  '"-0"',
  '[]',
  '{}',
  'true',
  '99999999999999999999',
  '"1e400"',
  '"é"',
];
const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'e',
  'E',
  's',
  'data',
  'stream',
  'k',
  'b',
  'type',
  'code',
  'error',
  'topic',
];

/** One damaged copy of `line`; `random` gives one of [0, 1). */
export function mutate(line: string, random: () => number): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const at = Math.floor(random() * line.length);
  const bytes = Buffer.from(line);
  switch (Math.floor(random() * 9)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      bytes[at] = Math.floor(random() * 256);
      return bytes;
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(Math.min(bytes.length, at + Math.ceil(random() * 8))),
      ]);
    case 3:
      return Buffer.from(
        line.replace(/:("[^"]*"|-?[0-9.]+(?:E-?[0-9]+)?|true|false|\[\])/g, (all) =>
          random() < 0.15 ? `:${pick(VALUES)}` : all,
        ),
      );
    case 4:
      return Buffer.from(line.replace(/"([a-zA-Z_]+)":/g, (all) => (random() < 0.1 ? `"${pick(KEYS)}":` : all)));
    case 5:
      return Buffer.from(
        line.replace(/[0-9]/g, (digit) => (random() < 0.05 ? String(Math.floor(random() * 10)) : digit)),
      );
    case 6:
      return Buffer.from(line.slice(0, at) + '['.repeat(Math.floor(random() * 5_000)) + line.slice(at));
    case 7:
      return Buffer.from(line.replace(/\{/, `{"${pick(KEYS)}":${pick(VALUES)},`));
    default:
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
  }
}
