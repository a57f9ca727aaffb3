/** raw_frames → bronze: REST responses, and the low-rate frames (candles, tickers), as received. */
import { BadMessage, RAW_FRAMES, type RawFrame } from '../../schema/topics.ts';
import type { Message, TopicPartition } from '../../src/platform/broker/broker.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { type BulkTable, writeRows } from '../../src/platform/postgres/bulk.ts';
import { logId } from './log-id.ts';
import { checkNotAhead } from './quality.ts';
import type { Item, Source, Worker } from './worker.ts';

/** Frames that Postgres keeps; trades and depth come too fast and stay in the topic. */
const KEPT_FRAMES: readonly (string | undefined)[] = ['kline', 'ticker'];

interface RawEventRow {
  eventId: string;
  frame: RawFrame;
  tsEvent: number;
}

/** The part of bronze.raw_landing that goes by retention. */
const RAW_LANDING: BulkTable<RawFrame> = {
  table: 'bronze.raw_landing_market',
  columns: {
    call_id: ['text', (f) => f.callId],
    source: ['text', (f) => f.exchange],
    endpoint: ['text', (f) => f.endpoint],
    payload: ['jsonb', (f) => f.bytes.toString('utf8')],
    call_ts: ['timestamptz', (f) => f.callTs],
    received_at: ['timestamptz', (f) => f.receivedAt],
  },
  key: ['call_ts', 'call_id'],
  version: null,
  partition: { unit: 'day', time: (f) => f.callTs ?? 0 },
};

/** The part of bronze.raw_event that goes by retention. */
const RAW_EVENT: BulkTable<RawEventRow> = {
  table: 'bronze.raw_event_market',
  columns: {
    event_id: ['text', (e) => e.eventId],
    source: ['text', (e) => e.frame.exchange],
    symbol: ['text', (e) => e.frame.symbol],
    ts_event: ['timestamptz', (e) => e.tsEvent],
    payload: ['jsonb', (e) => e.frame.bytes.toString('utf8')],
    call_id: ['text', (e) => e.frame.callId],
    received_at: ['timestamptz', (e) => e.frame.receivedAt],
  },
  key: ['ts_event', 'event_id'],
  version: null,
  partition: { unit: 'day', time: (e) => e.tsEvent },
};

function parse(message: Message): RawFrame | null {
  const { kind, channel } = message.headers;
  if (kind === 'frame' && !KEPT_FRAMES.includes(channel)) return null;
  const frame = RAW_FRAMES.parse(message);
  checkNotAhead(frame.receivedAt, 'receivedAt');
  checkNotAhead(frame.eventTime ?? frame.callTs ?? frame.receivedAt);
  const text = frame.bytes.toString('utf8');
  try {
    JSON.parse(text);
  } catch {
    // the feed has dead-lettered a frame it could not read; of a response it only knows that the call failed
    if (frame.kind === 'frame') return null;
    throw new BadMessage('response: not JSON');
  }
  // jsonb has no U+0000
  if (text.includes('\\u0000')) throw new BadMessage(`${frame.kind}: holds U+0000`);
  if (frame.kind === 'response' && (frame.callId === null || frame.callTs === null || frame.endpoint === null)) {
    throw new BadMessage('response: without callId, callTs or endpoint');
  }
  return frame;
}

function open(platform: Platform): Source[] {
  // offsets of an in-memory log begin anew with every start
  const log = logId(platform);
  const prefix = log === 'kafka' ? '' : `${log}:`;
  const rowOf = ({ topic, partition }: TopicPartition, { message, payload }: Item<RawFrame>): RawEventRow => ({
    eventId: `${prefix}${topic}:${partition}:${message.offset}`,
    frame: payload,
    tsEvent: payload.eventTime ?? payload.receivedAt,
  });
  const source: Source<RawFrame> = {
    topic: RAW_FRAMES.name,
    parse,
    async handle(items, batch) {
      const responses = items.filter((i) => i.payload.kind === 'response').map((i) => i.payload);
      const events = items.filter((i) => i.payload.kind === 'frame').map((i) => rowOf(batch, i));
      batch.check();
      metrics.rows.inc({ table: 'bronze.raw_landing' }, await writeRows(platform.postgres, RAW_LANDING, responses));
      batch.check();
      metrics.rows.inc({ table: 'bronze.raw_event' }, await writeRows(platform.postgres, RAW_EVENT, events));
    },
  };
  return [source];
}

export const bronze: Worker = { group: 'bronze', maxBatch: 1_000, gatherMs: 100, open };
