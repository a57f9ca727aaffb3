/** What can't be processed is kept twice: its bytes in `<topic>.dlq` for replay, a row in ops.dead_letter for people. */
import { deadLetterTopic, personalFields } from '../../schema/topics.ts';
import type { Message, OutgoingMessage, TopicPartition } from '../../src/platform/broker/broker.ts';
import { metrics } from '../../src/platform/metrics.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { type BulkTable, bulkUpsert } from '../../src/platform/postgres/bulk.ts';
import { fault } from './fault.ts';
import { logId } from './log-id.ts';
import { maskBytes, maskText } from './personal.ts';
import { isRetryable } from './retryable.ts';

export interface DeadLetter {
  message: Message;
  reason: string;
}

interface DeadLetterRow extends DeadLetter, TopicPartition {
  group: string;
  log: string;
}

// text and jsonb in Postgres hold neither U+0000 nor half of a surrogate pair
const clean = (text: string): string => text.replaceAll('\u0000', '\ufffd').replace(/[\ud800-\udfff]/gu, '\ufffd');

const DEAD_LETTER: BulkTable<DeadLetterRow> = {
  table: 'ops.dead_letter',
  columns: {
    group_name: ['text', (d) => d.group],
    log: ['text', (d) => d.log],
    topic: ['text', (d) => d.topic],
    partition: ['integer', (d) => d.partition],
    '"offset"': ['bigint', (d) => String(d.message.offset)],
    reason: ['text', (d) => clean(d.reason)],
    key: ['text', (d) => (d.message.key === null ? null : clean(d.message.key))],
    value: ['bytea', (d) => d.message.value],
    headers: ['jsonb', (d) => headersJson(d.message.headers)],
  },
  key: ['group_name', 'log', 'topic', 'partition', '"offset"'],
  version: null,
};

function headersJson(headers: Record<string, string>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(headers).map(([k, v]) => [clean(k), clean(v)])));
}

/** The letter without names of people, where the topic's messages hold such. What was masked is whole in the topic alone. */
function impersonal(topic: string, { message, reason }: DeadLetter): DeadLetter {
  const fields = personalFields(topic);
  if (fields.length === 0) return { message, reason };
  const { masked: value, names } = message.value ? maskBytes(message.value, fields) : { masked: null, names: [] };
  const clean = (text: string): string => maskText(text, fields, names);
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, text]) => [name, clean(text)]));
  const key = message.key === null ? null : clean(message.key);
  return { message: { ...message, key, value, headers }, reason: clean(reason) };
}

/** Longest reason that is kept. */
const REASON_LENGTH = 500;

/**
 * Keeps the messages. Resolves when both places have them; doing it again adds no second row. Rejects with what is worth
 * another try (BrokerUnavailable, PostgresUnavailable).
 */
export async function keepDeadLetters(
  platform: Platform,
  group: string,
  { topic, partition }: TopicPartition,
  letters: readonly DeadLetter[],
): Promise<void> {
  if (letters.length === 0) return;
  fault('before_dlq');
  const short = letters
    .map((letter) => impersonal(topic, letter))
    .map(({ message, reason }) => ({ message, reason: reason.slice(0, REASON_LENGTH) }));
  const outgoing = short.map(({ message, reason }): OutgoingMessage => {
    const known = { error: reason, topic, partition: String(partition), offset: String(message.offset), group };
    return { key: message.key, value: message.value, headers: { ...message.headers, ...known } };
  });
  try {
    await platform.broker.send(deadLetterTopic(topic), outgoing);
  } catch (error) {
    if (isRetryable(error)) throw error;
    // e.g. with its new headers it is larger than the log takes: the table has the bytes all the same
    platform.log.error({ err: error, group, topic, partition }, 'dead letters not accepted by the log');
  }
  const log = logId(platform);
  const rows = short.map((letter) => ({ ...letter, topic, partition, group, log }));
  await bulkUpsert(platform.postgres, DEAD_LETTER, rows);
  metrics.deadLetters.inc({ group, topic }, letters.length);
  platform.log.warn(
    {
      group,
      topic,
      partition,
      count: letters.length,
      first: short[0]?.reason,
      offset: String(short[0]?.message.offset),
    },
    'messages dead-lettered',
  );
}
