/** An answer as it lies in the landing store: gzip NDJSON, one line an answer, one file a call. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { LandingFile } from './store.ts';

export interface LandedAnswer {
  callId: string;
  source: string;
  /** Path of the API, without what was asked. */
  endpoint: string;
  /** When it was sent and answered, epoch ms. */
  callTs: number;
  receivedAt: number;
  /** JSON text, as received. */
  payload: string;
}

/** A file can't be read. The message is the reason that is kept. */
export class BadLanding extends Error {
  override readonly name = 'BadLanding';
}

const MAX_TEXT = 64 * 1_048_576;
const [zip, unzip] = [promisify(gzip), promisify(gunzip)];

/** `source=binance_c2c/`: what every key of a source begins with. */
export function sourcePrefix(source: string): string {
  return `source=${source}/`;
}

/** What the keys of a source's day (UTC, of the call) begin with; `time` is epoch ms. Days sort by time. */
export function dayPrefix(source: string, time: number): string {
  return `${sourcePrefix(source)}day=${new Date(time).toISOString().slice(0, 10)}/`;
}

/** Call id and time (epoch ms) that a key names; null where it is none of ours. */
export function callOf(key: string): { callId: string; callTs: number } | null {
  const [, callTs = '', callId = ''] =
    /^source=[^/]+\/day=[0-9-]{10}\/([0-9]{1,15})-([\w-]{1,100})\.ndjson\.gz$/.exec(key) ?? [];
  return callId === '' ? null : { callId, callTs: Number(callTs) };
}

/** The file of an answer. JSON has line breaks only between its tokens, so that one less changes nothing of it. */
export async function landingFile(answer: LandedAnswer): Promise<LandingFile> {
  const { payload, ...rest } = answer;
  const head = JSON.stringify(rest).slice(0, -1);
  const line = `${head},"payload":${payload.replaceAll(/[\r\n]+/g, ' ')}}\n`;
  const key = `${dayPrefix(answer.source, answer.callTs)}${answer.callTs}-${answer.callId}.ndjson.gz`;
  return { key, bytes: await zip(line) };
}

/** The answers in a file's bytes. Throws BadLanding. */
export async function readLanded(bytes: Buffer): Promise<LandedAnswer[]> {
  let text: string;
  try {
    text = (await unzip(bytes, { maxOutputLength: MAX_TEXT })).toString('utf8');
  } catch (error) {
    throw new BadLanding(`not gzip: ${(error as Error).message}`);
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new BadLanding('empty');
  return lines.map((line, i) => answerOf(line, `line ${i + 1}`));
}

/** Epoch ms of 2100. */
const LATEST = 4_102_444_800_000;
const CALL_ID = /^[\w-]{1,100}$/;

/** Text that a column can hold and a log may show. */
const isPlain = (text: unknown): boolean => typeof text === 'string' && /^[\x20-\x7e]{1,500}$/.test(text);
const isTime = (time: unknown): boolean =>
  Number.isSafeInteger(time) && (time as number) >= 0 && (time as number) <= LATEST;

const MARK = ',"payload":';

function answerOf(line: string, where: string): LandedAnswer {
  // the payload is kept as text: numbers beyond what a double holds stay as they are
  const at = line.indexOf(MARK);
  const payload = line.slice(at + MARK.length, line.lastIndexOf('}'));
  let head: Partial<LandedAnswer>;
  try {
    JSON.parse(line);
    head = JSON.parse(`${line.slice(0, at)}}`) as Partial<LandedAnswer>;
    // something may stand behind it
    if (at >= 0) JSON.parse(payload);
  } catch {
    // what stands there may name people
    throw new BadLanding(`${where} is not JSON`);
  }
  const { callId, source, endpoint, callTs, receivedAt } = head;
  const texts = CALL_ID.test(String(callId)) && [callId, source, endpoint].every(isPlain);
  if (at < 0 || !texts || !isTime(callTs) || !isTime(receivedAt)) throw new BadLanding(`${where} is no answer`);
  return { ...(head as LandedAnswer), payload };
}
