/**
 * Makes kafkajs 2.2.4's reading of fetched batches cheaper. Its answer to a fetch names every partition asked for, mostly
 * without anything in it, and each of them became a batch that was handed on through a dozen promises. A record took
 * BigInts for every number and an object for every header.
 *
 * Here an answer is read in one pass, and partitions with nothing to say are left out. Whatever is not plain (packed,
 * transactional, of an old format, not whole) is left to kafkajs. https://kafka.apache.org/documentation/#recordbatch
 */
import { createRequire } from 'node:module';

/** A record as kafkajs hands it on. */
interface DecodedRecord {
  magicByte: number;
  attributes: number;
  timestamp: string;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string | string[]>;
  isControlRecord: boolean;
  batchContext: object;
}

interface DecodedPartition {
  partition: number;
  errorCode: number;
  highWatermark: string;
  lastStableOffset: string;
  lastStartOffset: string;
  abortedTransactions: readonly object[];
  preferredReadReplica: number;
  messages: DecodedRecord[];
}

interface DecodedAnswer {
  throttleTime: number;
  clientSideThrottleTime: number;
  errorCode: number;
  sessionId: number;
  responses: { topicName: string; partitions: DecodedPartition[] }[];
}

interface FetchResponse {
  decode(payload: Buffer): Promise<DecodedAnswer>;
}

interface FetchRequests {
  protocol(of: { version: number }): (request: { topics: readonly object[] }) => { response: FetchResponse };
}

/** What does not fit what this reads. */
class NotPlain extends Error {}

const MAGIC = 2;
/** From a batch's first byte to that of its first record. */
const BATCH_HEADER = 61;
/** What kafkajs takes for the least that is worth a look. */
const LEAST_BATCH = 49;
/** The one attribute that a plain batch may have: its time is the broker's. */
const LOG_APPEND_TIME = 0x8;
const NO_REPLICA = -1;

/** Mends the decoder; once for the whole process. Throws if its inside is no longer what this was written for. */
export function mendDecoder(): void {
  const requests = createRequire(import.meta.url)('kafkajs/src/protocol/requests/fetch') as FetchRequests;
  // asked for as kafkajs asks, which it does with every request: Node then finds the module without looking for its file
  const { response } = requests.protocol({ version: 11 })({ topics: [] });
  const { decode } = response;
  if (typeof decode !== 'function') throw new Error('kafkajs is not 2.2.4 inside');
  if (decode.name === decodePlain.name) return;
  response.decode = decodePlain;

  async function decodePlain(payload: Buffer): Promise<DecodedAnswer> {
    try {
      return new Reader(payload).answer();
    } catch (error) {
      if (!(error instanceof NotPlain)) throw error;
      const answer = await decode(payload);
      return {
        ...answer,
        responses: answer.responses.map(withoutSilent).filter(({ partitions }) => partitions.length),
      };
    }
  }
}

type Topic = DecodedAnswer['responses'][number];

function withoutSilent({ topicName, partitions }: Topic): Topic {
  return { topicName, partitions: partitions.filter((one) => one.messages.length > 0 || tells(one)) };
}

/** True where a partition says something even without messages. */
function tells({
  errorCode,
  preferredReadReplica,
}: Pick<DecodedPartition, 'errorCode' | 'preferredReadReplica'>): boolean {
  return errorCode !== 0 || preferredReadReplica !== NO_REPLICA;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  answer(): DecodedAnswer {
    const [clientSideThrottleTime, errorCode, sessionId] = [this.#int32(), this.#int16(), this.#int32()];
    const responses: Topic[] = [];
    for (let topics = this.#int32(); topics > 0; topics--) {
      const nameLength = this.#int16();
      const topicName = this.#bytes.toString('utf8', this.#at, this.#skip(nameLength));
      const partitions: DecodedPartition[] = [];
      for (let count = this.#int32(); count > 0; count--) {
        const partition = this.#partition();
        if (partition) partitions.push(partition);
      }
      if (partitions.length > 0) responses.push({ topicName, partitions });
    }
    // as kafkajs has it: the broker has not held it back, we are to
    return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
  }

  #partition(): DecodedPartition | null {
    const [partition, errorCode] = [this.#int32(), this.#int16()];
    const marks = this.#skip(24) - 24;
    if (this.#int32() > 0) throw new NotPlain('aborted transactions');
    const preferredReadReplica = this.#int32();
    const size = this.#int32();
    const end = this.#at + Math.max(0, size);
    if (end > this.#bytes.length) throw new NotPlain('not whole');
    const start = this.#at;
    this.#at = end;
    if (size <= 0 && !tells({ errorCode, preferredReadReplica })) return null;
    const messages: DecodedRecord[] = [];
    for (let at = start; end - at >= LEAST_BATCH; ) {
      const past = at + 12 + this.#bytes.readInt32BE(at + 8);
      // the last one is cut off where the answer became too long
      if (past > end) break;
      this.#batch(at, past, messages);
      at = past;
    }
    const mark = (n: number): string => String(this.#bytes.readBigInt64BE(marks + 8 * n));
    return {
      ...{ partition, errorCode, preferredReadReplica, messages, abortedTransactions: [] },
      ...{ highWatermark: mark(0), lastStableOffset: mark(1), lastStartOffset: mark(2) },
    };
  }

  /** Reads the record batch between `start` and `end`. */
  #batch(start: number, end: number, into: DecodedRecord[]): void {
    const bytes = this.#bytes;
    if (end - start < BATCH_HEADER || bytes[start + 16] !== MAGIC) throw new NotPlain('format');
    const attributes = bytes.readInt16BE(start + 21);
    if ((attributes & ~LOG_APPEND_TIME) !== 0) throw new NotPlain('packed or of a transaction');
    const firstOffset = this.#long(start);
    const [firstTime, maxTime] = [this.#long(start + 27), this.#long(start + 35)];
    const isLogTime = attributes === LOG_APPEND_TIME && maxTime !== 0;
    const batchContext = {
      ...{ firstOffset: String(firstOffset), firstTimestamp: String(firstTime), maxTimestamp: String(maxTime) },
      ...{ partitionLeaderEpoch: bytes.readInt32BE(start + 12), lastOffsetDelta: bytes.readInt32BE(start + 23) },
      ...{ producerId: String(bytes.readBigInt64BE(start + 43)), producerEpoch: bytes.readInt16BE(start + 51) },
      ...{ firstSequence: bytes.readInt32BE(start + 53), timestampType: attributes === 0 ? 0 : 1, magicByte: MAGIC },
      ...{ inTransaction: false, isControlBatch: false },
    };
    const back = this.#at;
    this.#at = start + BATCH_HEADER;
    for (let count = bytes.readInt32BE(start + 57); count > 0; count--) {
      const length = this.#varint();
      const past = this.#at + length;
      if (length < 0 || past > end) throw new NotPlain('not whole');
      const recordAttributes = bytes.readInt8(this.#at++);
      const timeDelta = this.#varint();
      const offsetDelta = this.#varint();
      const key = this.#slice();
      const value = this.#slice();
      into.push({
        ...{ magicByte: MAGIC, attributes: recordAttributes, key, value, headers: this.#headers() },
        timestamp: String(isLogTime ? maxTime : firstTime + timeDelta),
        offset: String(firstOffset + offsetDelta),
        isControlRecord: false,
        batchContext,
      });
      // also guards against lengths that lead beyond the record
      if (this.#at !== past) throw new NotPlain('a record of another length');
    }
    this.#at = back;
  }

  #headers(): Record<string, string | string[]> {
    const headers: Record<string, string | string[]> = {};
    for (let count = this.#varint(); count > 0; count--) {
      const nameLength = this.#varint();
      const name = this.#bytes.toString('utf8', this.#at, this.#skip(nameLength));
      const length = this.#varint();
      const value = length < 0 ? '' : this.#bytes.toString('utf8', this.#at, this.#skip(length));
      const before = headers[name];
      headers[name] = before === undefined ? value : [before, value].flat();
    }
    return headers;
  }

  #slice(): Buffer | null {
    const length = this.#varint();
    return length < 0 ? null : this.#bytes.subarray(this.#at, this.#skip(length));
  }

  /** Goes on by `length` bytes; resolves to where that is. */
  #skip(length: number): number {
    this.#at += length;
    if (length < 0 || this.#at > this.#bytes.length) throw new NotPlain('not whole');
    return this.#at;
  }

  #int16(): number {
    return this.#bytes.readInt16BE(this.#skip(2) - 2);
  }

  #int32(): number {
    return this.#bytes.readInt32BE(this.#skip(4) - 4);
  }

  /** The 64 bits at `at`; those beyond 2^53 are not read here. */
  #long(at: number): number {
    const value = this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new NotPlain('beyond 2^53');
    return value;
  }

  /** Zigzag and base 128, of up to 28 bits: a length, a place or a time within a batch. */
  #varint(): number {
    let [bits, shift] = [0, 0];
    for (;;) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || shift > 21) throw new NotPlain('a long number');
      bits |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (bits >>> 1) ^ -(bits & 1);
      shift += 7;
    }
  }
}
