/** Reads the captured frames in test/fixtures. Their sources and licences are in the NOTICE there. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

export interface CapturedLine {
  /** Recorder time, epoch ms; 0 where the capture has none. */
  time: number;
  /** Arrival number, global within one recording; the line's own number where the capture has none. */
  order: number;
  /** The document, byte for byte. */
  line: string;
}

function textLines(path: string): string[] {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function pathOf(name: string): string {
  const [exchange = ''] = name.split('.');
  const folder = exchange === 'binance_c2c' ? 'binance-c2c' : (exchange.split('_')[0] as string);
  return `${FIXTURES}${folder}/${name}`;
}

/** Names of all captures, without their endings, e.g. "binance.ws.aggTrade.20210404". */
export function captureNames(): string[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl.gz'))
    .map((path) => (path.split('/').at(-1) as string).replace('.jsonl.gz', ''))
    .sort();
}

/** The second columns and on of a capture's meta file (URL, path, status…), line by line. Throws where there is none. */
export function readCaptureMeta(name: string): string[][] {
  return textLines(`${pathOf(name)}.meta.tsv.gz`).map((line) => line.split('\t').slice(1));
}

/** A capture by name, e.g. "binance.ws.aggTrade.20210404". Throws when there is none or its files don't line up. */
export function readCapture(name: string): CapturedLine[] {
  const lines = textLines(`${pathOf(name)}.jsonl.gz`);
  let meta: string[] = [];
  try {
    meta = textLines(`${pathOf(name)}.meta.tsv.gz`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (meta.length > 0 && meta.length !== lines.length) throw new RangeError(`${name}: meta does not line up`);
  return lines.map((line, i) => {
    const [time, order] = (meta[i] ?? '').split('\t');
    const number = Number(order);
    return {
      time: Number(time) > 0 ? Number(time) * 1_000 : 0,
      order: order !== undefined && order !== '' && Number.isInteger(number) ? number : i,
      line,
    };
  });
}

/** The channels of one recording, interleaved again as they arrived. */
export function mergeRecording(names: string[]): CapturedLine[] {
  return names.flatMap(readCapture).sort((a, b) => a.order - b.order);
}
