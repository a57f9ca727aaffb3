/**
 * kafkajs 2.2.4 as the project uses it: its faults mended, its reading and writing made cheaper. What it sends is the same,
 * byte by byte. Three functions are replaced before anything of it is loaded, since its modules keep what they were given: the
 * checksum of a batch, which looked at one byte at a time; the writing of a record, which took an object for every header and
 * wrote each twice; and the sorting of messages by partition, which copied the list with every message. Where something else
 * has loaded kafkajs before, its own stay.
 */
import { createRequire } from 'node:module';
import { crc32c } from './crc32c.ts';
import { mendDecoder } from './decoder.ts';
import { mendEncoder } from './encoder.ts';
import { mendFaults } from './faults.ts';
import { type OutgoingRecord, type WrittenRecord, writeRecord } from './record-writer.ts';

const inside = createRequire(import.meta.url);

/** Puts `make` of the function that the module exports in its place. Throws if it exports none. */
function replace<F>(path: string, make: (original: F) => F): void {
  const original = inside(path) as F;
  const entry = inside.cache[inside.resolve(path)];
  if (typeof original !== 'function' || !entry) throw new Error('kafkajs is not 2.2.4 inside');
  entry.exports = make(original);
}

type WriteRecord = (record: OutgoingRecord) => WrittenRecord;
interface Grouping<M> {
  topic: string;
  partitionMetadata: readonly object[];
  messages: readonly M[];
  partitioner(of: { topic: string; partitionMetadata: readonly object[]; message: M }): number;
}

function groupByPartition<M>({ topic, partitionMetadata, messages, partitioner }: Grouping<M>): Record<number, M[]> {
  const groups: Record<number, M[]> = {};
  if (partitionMetadata.length === 0) return groups;
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message });
    groups[partition] ??= [];
    groups[partition].push(message);
  }
  return groups;
}

replace('kafkajs/src/protocol/recordBatch/crc32C/crc32C', () => crc32c);
replace<WriteRecord>(
  'kafkajs/src/protocol/recordBatch/record/v0',
  (original) => (record) => writeRecord(record) ?? original(record),
);
replace('kafkajs/src/producer/groupMessagesPerPartition', () => groupByPartition);

mendFaults();
mendEncoder();
mendDecoder();

export const kafkajs = inside('kafkajs') as typeof import('kafkajs');
