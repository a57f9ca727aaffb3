/**
 * Changes → messages, as Debezium writes them with the settings of deploy/debezium/c2c-order.json: the same key, envelope,
 * tombstones and headers. Whatever reads the topic can not tell who wrote it.
 * https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events
 */
import type { OutgoingMessage } from '../../src/platform/broker/broker.ts';
import type { ChangeMessage, Tuple } from '../../src/platform/postgres/replication.ts';
import type { TableShape } from './shape.ts';
import { emptyJson, valueJson } from './value.ts';

/** Where and when a change was made. */
export interface Place {
  database: string;
  /** Position of the change in the log, and where the transaction before it ended; null where that is not known. */
  lsn: bigint;
  lastCommit: bigint | null;
  txId: number;
  /** When it was committed, µs since 1970. */
  time: bigint;
  snapshot: 'first' | 'true' | 'last' | 'false';
}

type Operation = 'c' | 'u' | 'd' | 'r' | 't';
type Row = Tuple | null | undefined;

/** `topic.prefix` of the connector. */
const SOURCE_NAME = 'cdc';
const VERSION = 'tickgraph';

function rowJson({ columns }: TableShape, row: Tuple): string {
  return `{${columns.map(({ name, typeOid }) => `${JSON.stringify(name)}:${valueJson(typeOid, row[name])}`).join(',')}}`;
}

/** A row of which only the key was logged. */
function keyOnlyJson({ columns, key }: TableShape, row: Tuple): string {
  const fields = columns.map(({ name, typeOid, nullable, hasDefault }) => {
    const known = key.includes(name);
    const value = known ? valueJson(typeOid, row[name]) : nullable ? 'null' : emptyJson(typeOid, hasDefault);
    return `${JSON.stringify(name)}:${value}`;
  });
  return `{${fields.join(',')}}`;
}

function keyJson({ columns, key }: TableShape, row: Tuple): string | null {
  if (key.length === 0) return null;
  const fields = columns.filter(({ name }) => key.includes(name));
  return `{${fields.map(({ name, typeOid }) => `${JSON.stringify(name)}:${valueJson(typeOid, row[name])}`).join(',')}}`;
}

function sourceJson({ schema, table }: TableShape, place: Place): string {
  const { database, lsn, lastCommit, txId, time, snapshot } = place;
  const sequence = `[${lastCommit === null ? 'null' : `"${lastCommit}"`},"${lsn}"]`;
  return [
    `{"version":"${VERSION}","connector":"postgresql","name":"${SOURCE_NAME}","ts_ms":${time / 1000n}`,
    `"snapshot":"${snapshot}","db":${JSON.stringify(database)},"sequence":${JSON.stringify(sequence)}`,
    `"ts_us":${time},"ts_ns":${time}000,"schema":${JSON.stringify(schema)},"table":${JSON.stringify(table)}`,
    `"txId":${txId},"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null}`,
  ].join(',');
}

function envelope(shape: TableShape, op: Operation, before: string | null, after: string | null, place: Place): Buffer {
  const now = Date.now();
  return Buffer.from(
    `{"before":${before},"after":${after},"source":${sourceJson(shape, place)},"transaction":null,"op":"${op}",` +
      `"ts_ms":${now},"ts_us":${now}000,"ts_ns":${now}000000}`,
  );
}

/** The message of a row that a snapshot found. */
export function snapshotMessage(shape: TableShape, row: Tuple, place: Place): OutgoingMessage {
  return { key: keyJson(shape, row), value: envelope(shape, 'r', null, rowJson(shape, row), place) };
}

function deleted(shape: TableShape, old: Row, key: Row, place: Place, newKey?: string | null): OutgoingMessage[] {
  const row = old ?? key ?? {};
  const before = old ? rowJson(shape, old) : keyOnlyJson(shape, row);
  const mark = newKey ? { headers: { '__debezium.newkey': newKey } } : {};
  const keyText = keyJson(shape, row);
  const told = { key: keyText, value: envelope(shape, 'd', before, null, place), ...mark };
  // what a compacted topic needs to forget the row
  return keyText === null ? [told] : [told, { key: keyText, value: null, ...mark }];
}

/** The messages of one change of a row or table; none for what is no such change. */
export function changeMessages(shape: TableShape, change: ChangeMessage, place: Place): OutgoingMessage[] {
  switch (change.tag) {
    case 'insert': {
      const after = rowJson(shape, change.new);
      return [{ key: keyJson(shape, change.new), value: envelope(shape, 'c', null, after, place) }];
    }
    case 'update': {
      const before = change.old ?? change.key;
      const [was, is] = [before ? keyJson(shape, before) : null, keyJson(shape, change.new)];
      const after = rowJson(shape, change.new);
      if (was !== null && was !== is) {
        const made = { key: is, value: envelope(shape, 'c', null, after, place) };
        return [
          ...deleted(shape, change.old, change.key, place, is),
          { ...made, headers: { '__debezium.oldkey': was } },
        ];
      }
      return [{ key: is, value: envelope(shape, 'u', change.old ? rowJson(shape, change.old) : null, after, place) }];
    }
    case 'delete':
      return deleted(shape, change.old, change.key, place);
    case 'truncate':
      return [{ key: null, value: envelope(shape, 't', null, null, place) }];
    default:
      return [];
  }
}
