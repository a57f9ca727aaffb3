/** Reads a recording from a folder of captures: `binance.ws.*.<day>.jsonl.gz` with their `.meta.tsv.gz`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { RecordingOptions } from './recording.ts';

function lines(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').split('\n').filter(Boolean);
}

/** The recording of `day` (e.g. "20210404") in `folder`. Throws when files are missing or don't line up. */
export function readRecording(folder: string, day: string): RecordingOptions {
  const names = readdirSync(folder).filter((n) => n.endsWith(`.${day}.jsonl.gz`));
  const read = (name: string) => {
    const text = lines(join(folder, name));
    const meta = lines(join(folder, name.replace('.jsonl.gz', '.meta.tsv.gz'))).map((m) => m.split('\t'));
    if (text.length !== meta.length) throw new RangeError(`${name}: ${text.length} lines, ${meta.length} of meta`);
    return text.map((line, i) => ({ line, time: Number(meta[i]?.[0]) * 1_000, about: meta[i]?.[1] ?? '' }));
  };
  const frames = names.filter((n) => n.includes('.ws.')).flatMap(read);
  if (frames.length === 0) throw new RangeError(`no recording of ${day} in ${folder}`);
  frames.sort((a, b) => Number(a.about) - Number(b.about));
  const snapshots = names
    .filter((n) => n.includes('.rest.depth_snapshot.'))
    .flatMap(read)
    .map(({ line, about }) => ({ line, symbol: new URL(about).searchParams.get('symbol') ?? '' }));
  return { frames: frames.map(({ line, time }) => ({ line, time })), snapshots };
}
