/**
 * Which partition a key belongs to: murmur2 as Kafka's own clients hash, so that every producer of a topic, whatever its
 * language, and both implementations of the log put one key in one place.
 * https://github.com/apache/kafka/blob/4.1.1/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;
/** Hashes that are remembered. */
const MAX_KEYS = 20_000;

/** Kafka's murmur2 of the bytes, as a signed 32-bit number. */
export function murmur2(data: Buffer): number {
  const whole = data.length - (data.length % 4);
  let h = SEED ^ data.length;
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(data.readInt32LE(i), M);
    k = Math.imul(k ^ (k >>> R), M);
    h = Math.imul(h, M) ^ k;
  }
  for (let i = data.length - 1; i >= whole; i--) h ^= (data[i] ?? 0) << (8 * (i - whole));
  if (whole < data.length) h = Math.imul(h, M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}

/** A function that gives the partition of a key among `count`; messages without a key take turns. */
export function createPartitioner(): (key: string | null, count: number) => number {
  let turn = 0;
  const hashes = new Map<string, number>();
  const hashOf = (key: string): number => {
    let hash = hashes.get(key);
    if (hash === undefined) {
      // a topic's keys are few
      if (hashes.size >= MAX_KEYS) hashes.clear();
      hash = murmur2(Buffer.from(key)) & 0x7fffffff;
      hashes.set(key, hash);
    }
    return hash;
  };
  return (key, count) => {
    if (key !== null) return hashOf(key) % count;
    turn = (turn + 1) % 0x7fffffff;
    return turn % count;
  };
}
