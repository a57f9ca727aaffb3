/**
 * Messages of a change topic → changes: Debezium's envelopes with schema or without, of every kind. What is no change of a
 * row or table (tombstones, heartbeats, transaction records, logical messages) is read and passed over; what is none of
 * them is a BadMessage, whose reason names fields and never values.
 * https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events
 */
import { createHash } from 'node:crypto';
import { CDC_TABLES, type CdcChange, type CdcOperation, type CdcRow, maskRow } from '../../schema/cdc.ts';
import { BadMessage } from '../../schema/topics.ts';
import type { Message } from '../../src/platform/broker/broker.ts';
import { parseExact } from './json.ts';
import { changedColumns, checkWhole, completed, isSame, knownBefore, readImage } from './row.ts';
import { readSource, type Source } from './source.ts';
import { type Connect, wholeNumber } from './values.ts';

type Fields = Readonly<Record<string, unknown>>;
type Given = Pick<Message, 'key' | 'value' | 'headers'>;

const OPERATIONS: Readonly<Record<string, CdcOperation>> = {
  ...{ c: 'CREATE', u: 'UPDATE', d: 'DELETE', r: 'READ', t: 'TRUNCATE' },
};
const HEARTBEAT: readonly string[] = ['ts_ms', 'ts_us', 'ts_ns'];
const TRANSACTION_ID = /^[0-9]{1,20}(?::[0-9]{1,20})?$/;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parsed(value: Buffer | string, name: string): unknown {
  try {
    return parseExact(typeof value === 'string' ? value : utf8.decode(value));
  } catch {
    throw new BadMessage(`${name}: not JSON`);
  }
}

/** What a converter wrapped in {schema, payload}, or left bare. */
function unwrapped(value: unknown, name: string): { payload: unknown; schema: Connect | undefined } {
  if (!isFields(value) || !('payload' in value) || Object.keys(value).length > 2) {
    return { payload: value, schema: undefined };
  }
  const { schema, payload } = value;
  const isSchema = isFields(schema) && (schema.fields === undefined || Array.isArray(schema.fields));
  if (!isSchema && schema !== null && schema !== undefined) throw new BadMessage(`${name}: its schema is none`);
  return { payload, schema: isSchema ? (schema as Connect) : undefined };
}

/** The schema of a field; one that is not as it should be says nothing. */
function schemaOf(schema: Connect | undefined, field: string): Connect | undefined {
  const found = schema?.fields?.find((one) => isFields(one) && one.field === field);
  return found && (found.fields === undefined || (Array.isArray(found.fields) && found.fields.every(isFields)))
    ? found
    : undefined;
}

/** The key of a row as a message or one of its headers has it. */
function readKey(text: string | null | undefined, name: string): CdcRow | null {
  if (text === null || text === undefined) return null;
  const { payload, schema } = unwrapped(parsed(text, name), name);
  const fields = schema?.fields?.every(isFields) ? schema : undefined;
  const image = readImage(payload, name, fields, undefined);
  if (image && image.unavailable.length > 0) throw new BadMessage(`${name}: incomplete`);
  return image && Object.keys(image.row).length > 0 ? image.row : null;
}

/** True for what is no change of a row or table. Throws BadMessage for what only looks like it. */
function isPassedOver(payload: Fields): boolean {
  if (payload.op === 'm') {
    const { message } = payload;
    if (!isFields(message) || typeof message.prefix !== 'string') throw new BadMessage('message: missing');
    readSource(payload.source, false);
    return true;
  }
  if ('op' in payload) return false;
  if ('status' in payload) {
    const { status, id } = payload;
    if (status !== 'BEGIN' && status !== 'END') throw new BadMessage('status: neither BEGIN nor END');
    if (typeof id !== 'string' || !TRANSACTION_ID.test(id)) throw new BadMessage('id: not that of a transaction');
    return true;
  }
  const names = Object.keys(payload);
  if (names.includes('ts_ms') && names.every((name) => HEARTBEAT.includes(name))) {
    if (wholeNumber(payload.ts_ms) === null) throw new BadMessage('ts_ms: not a time');
    return true;
  }
  throw new BadMessage('op: missing');
}

/** Place in the transaction, where the connector adds it. Its `id` says nothing: it is another with every event. */
function positionOf(transaction: unknown): string | null {
  if (transaction === null || transaction === undefined) return null;
  const order = isFields(transaction) ? wholeNumber(transaction.total_order) : null;
  if (order === null || order < 0n || order >= 2n ** 63n) throw new BadMessage('transaction.total_order: not a number');
  return String(order);
}

/**
 * The id of a change. Rows that one statement wrote may share an LSN, so the key is part of it; transaction and commit time
 * tell apart what a restored or replaced server numbers alike. The rows of a snapshot share their LSN with the whole
 * run, and are known by what was found, without names of people, whom an id must not tell; those of an incremental one,
 * which have none of their own, by when as well.
 */
function idOf(
  { table, lsn, txId, time, snapshot }: Source,
  op: CdcOperation,
  position: string | null,
  row: unknown,
  image: CdcRow | null,
): string {
  const isIncremental = lsn === null || snapshot === 'incremental';
  const place =
    op === 'READ' ? [lsn, txId, isIncremental ? time : null, image && maskRow(image)] : [lsn, txId, time, position];
  const text = JSON.stringify([table, op, ...place, row]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function checkKey(key: CdcRow | null, row: CdcRow): void {
  for (const [column, value] of Object.entries(key ?? {})) {
    if (Object.hasOwn(row, column) && !isSame(row[column], value)) throw new BadMessage('key: not that of the row');
  }
}

function readChange(payload: Fields, schema: Connect | undefined, { key: keyText, headers }: Given): CdcChange {
  const source = readSource(payload.source);
  const said = typeof payload.op === 'string' && Object.hasOwn(OPERATIONS, payload.op) ? OPERATIONS[payload.op] : null;
  if (!said) throw new BadMessage('op: not a known one');
  const op = said === 'CREATE' && source.snapshot !== null ? 'READ' : said;
  if (source.lsn === null && op !== 'READ') throw new BadMessage('source.lsn: missing');
  const { table } = source;
  const declared = Object.hasOwn(CDC_TABLES, table) ? CDC_TABLES[table] : undefined;
  const position = positionOf(payload.transaction);
  const common = {
    table,
    op,
    lsn: source.lsn,
    txId: source.txId,
    position,
    snapshot: source.snapshot,
    eventTime: source.time,
  };

  const before = readImage(payload.before, 'before', schemaOf(schema, 'before'), declared);
  const after = readImage(payload.after, 'after', schemaOf(schema, 'after'), declared);
  if (op === 'TRUNCATE') {
    if (before || after) throw new BadMessage('op: a truncation with a row');
    const none = { key: null, relatedKey: null, before: null, after: null, changed: [], unchanged: [] };
    return { id: idOf(source, op, position, null, null), ...common, ...none };
  }
  if ((after === null) !== (op === 'DELETE'))
    throw new BadMessage(after ? 'after: of a deleted row' : 'after: missing');
  if (before && (op === 'CREATE' || op === 'READ')) throw new BadMessage('before: of a new row');

  const row = (after ?? before)?.row ?? null;
  let key = readKey(keyText, 'key');
  if (declared) {
    const own = key ?? row ?? {};
    const missing = declared.key.find((column) => (own[column] ?? null) === null);
    if (missing) throw new BadMessage(`key.${missing}: missing`);
    key = Object.fromEntries(declared.key.map((column) => [column, own[column]]));
    if (after) checkWhole(after, 'after', declared);
  }
  if (row) checkKey(key, row);
  else if (!key) throw new BadMessage('before: missing, and no key');

  const known = before && knownBefore(before.row, key);
  const newer = after && completed(after, known);
  const relatedKey = readKey(headers[op === 'DELETE' ? '__debezium.newkey' : '__debezium.oldkey'], 'related key');
  return {
    id: idOf(source, op, position, key ?? row, newer?.row ?? null),
    ...common,
    key,
    relatedKey,
    before: known,
    after: newer?.row ?? null,
    // a snapshot says what is, not what changed
    changed:
      op === 'READ'
        ? []
        : newer
          ? changedColumns(known, newer.row, op === 'UPDATE' ? key : null)
          : Object.keys(known ?? {}),
    unchanged: newer?.unchanged ?? [],
  };
}

/** The change that a message tells; null for one that is read and passed over. Throws BadMessage. */
export function readEnvelope(message: Given): CdcChange | null {
  const { value } = message;
  if (value === null) return null;
  const { payload, schema } = unwrapped(parsed(value, 'value'), 'value');
  // a tombstone of a converter that writes schemas
  if (payload === null && message.key !== null) return null;
  if (!isFields(payload)) throw new BadMessage('value: not an envelope');
  if (isPassedOver(payload)) return null;
  return readChange(payload, schema, message);
}
