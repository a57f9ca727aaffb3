import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Commit, Commits } from '../../../../../src/platform/broker/kafka/commits.ts';

/** What was asked of Kafka, and how to answer the oldest request. */
function kafka() {
  const requests: string[] = [];
  const answers: ((error?: Error) => void)[] = [];
  const commitOffsets: Commit['commitOffsets'] = (offsets) => {
    const told = offsets?.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => `${topic}/${partition}:${offset}`),
    );
    requests.push(String(told));
    return new Promise((resolve, reject) => {
      answers.push((error) => (error ? reject(error) : resolve()));
    });
  };
  const wish = (topic: string, partition: number, next: bigint, isLost = () => false): Commit => ({
    ...{ topic, partition, next, commitOffsets, isLost },
  });
  return { requests, wish, answer: (error?: Error) => answers.shift()?.(error) };
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)));

test('what is done while a request is under way goes out together in the next one', async () => {
  const { requests, wish, answer } = kafka();
  const commits = new Commits(1_000);
  const first = [commits.commit(wish('a', 0, 5n)), commits.commit(wish('b', 0, 7n))];
  await turn();
  const later = [commits.commit(wish('a', 1, 3n)), commits.commit(wish('a', 0, 6n)), commits.commit(wish('b', 0, 8n))];
  await turn();
  assert.deepEqual(requests, ['a/0:5,b/0:7']);
  answer();
  await Promise.all(first);
  await turn();
  assert.deepEqual(requests.slice(1), ['a/1:3,a/0:6,b/0:8']);
  answer();
  await Promise.all(later);
});

test('a partition that was lost while it waited is not committed, the others are', async () => {
  const { requests, wish, answer } = kafka();
  const commits = new Commits(1_000);
  const first = commits.commit(wish('a', 0, 1n));
  await turn();
  let lost = false;
  const gone = commits.commit(wish('a', 1, 1n, () => lost));
  const kept = commits.commit(wish('a', 2, 1n));
  lost = true;
  answer();
  await first;
  await assert.rejects(gone, { name: 'PartitionLost' });
  await turn();
  assert.deepEqual(requests, ['a/0:1', 'a/2:1']);
  answer();
  await kept;
});

test('a request that fails or is not answered fails for all that went with it, and for nobody else', async () => {
  const { requests, wish, answer } = kafka();
  const commits = new Commits(50);
  const failed = [commits.commit(wish('a', 0, 1n)), commits.commit(wish('a', 1, 1n))];
  await turn();
  answer(new Error('no'));
  for (const one of failed) await assert.rejects(one, /no/);
  await assert.rejects(commits.commit(wish('a', 0, 1n)), { name: 'BrokerUnavailable' });
  const fine = commits.commit(wish('a', 0, 2n));
  await turn();
  answer();
  answer();
  await fine;
  assert.deepEqual(requests.slice(1), ['a/0:1', 'a/0:2']);
});
