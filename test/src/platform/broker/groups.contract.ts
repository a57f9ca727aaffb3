/** What a Broker's consumer groups must do when members come and go. Part of the Broker contract. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import type { Batch, Broker } from '../../../../src/platform/broker/broker.ts';
import { until } from '../../../support/until.ts';
import { lastOf, listen, numbered, spec, values } from './listening.ts';

/** `open` gives another client of the same log, for a second member. */
export function brokerGroupsContract(open: () => Promise<Broker>): void {
  const ending: (() => Promise<void>)[] = [];

  async function twoClients(partitions: number): Promise<[Broker, Broker, string]> {
    const [broker, other, one] = [await open(), await open(), spec(partitions)];
    ending.push(
      () => broker.close(),
      () => other.close(),
    );
    await broker.ensureTopics([one]);
    return [broker, other, one.name];
  }
  after(async () => {
    await Promise.all(ending.map((end) => end()));
  });

  test('two members share the partitions; when one leaves the other has them all', async () => {
    const [broker, other, name] = await twoClients(4);
    const g = `g-${randomUUID()}`;
    const a = await listen(broker, { group: g, topics: [name] });
    await until('all four', () => a.assigned().length === 4);
    const b = await listen(other, { group: g, topics: [name] });
    await until('two each', () => a.assigned().length === 2 && b.assigned().length === 2);
    assert.equal(new Set([...a.assigned(), ...b.assigned()].map(({ partition }) => partition)).size, 4);
    for (let i = 0; i < 40; i++) await broker.send(name, numbered(i, i + 1, `k${i}`));
    await until('all once', () => new Set(values([...a.seen, ...b.seen])).size === 40);
    await b.stop();
    await until('all four again', () => a.assigned().length === 4);
    for (let i = 40; i < 80; i++) await broker.send(name, numbered(i, i + 1, `k${i}`));
    await until('the rest', () => new Set(values([...a.seen, ...b.seen])).size === 80);
    await until('no lag', async () => (await broker.lag(g, [name])).every(({ lag }) => lag === 0n));
  });

  test('says where a group has committed to be, and nothing of what it has not', async () => {
    const [broker, other, name] = await twoClients(2);
    const g = `g-${randomUUID()}`;
    // a new group's coordinator may be loading
    await until('nothing', async () => (await other.committed(g, [name])).length === 0);
    const reader = await listen(broker, { group: g, topics: [name] });
    await broker.send(name, numbered(0, 7, 'one'));
    await until('all seven', () => reader.seen.length === 7);
    const at = async () => (await other.committed(g, [name])).map(({ topic, offset }) => [topic, offset]);
    await until('the commit', async () => (await at()).length === 1 && (await at())[0]?.[1] === 7n);
    assert.deepEqual(await at(), [[name, 7n]]);
    await reader.stop();
  });

  test('partitions of one number stay together where a group asks for that, however many members share them', async () => {
    const [broker, other, name] = await twoClients(8);
    const second = spec(8);
    await broker.ensureTopics([second]);
    const options = { group: `g-${randomUUID()}`, topics: [name, second.name], together: true };
    const members = [await listen(broker, options)];
    for (const at of [other, broker]) {
      members.push(await listen(at, options));
      await until('all partitions to be read by somebody, and not all by one', () => {
        const counts = members.map((member) => member.assigned().length);
        return counts.reduce((sum, n) => sum + n, 0) === 16 && Math.min(...counts) >= 4;
      });
      for (const member of members) {
        const numbers = (topic: string) =>
          member
            .assigned()
            .filter((one) => one.topic === topic)
            .map(({ partition }) => partition)
            .sort();
        assert.deepEqual(numbers(name), numbers(second.name));
      }
    }
    await Promise.all(members.map((member) => member.stop()));
  });

  test('a rebalance in mid-batch: the batch goes stale, commits nothing, and nothing is lost', async () => {
    const [broker, other, name] = await twoClients(2);
    const g = `g-${randomUUID()}`;
    for (let i = 0; i < 20; i++) await broker.send(name, numbered(i, i + 1, null));
    let mayFinish = false;
    const stale: number[] = [];
    const refused: string[] = [];
    const done = new Set<string>();
    const finish = async (batch: Batch): Promise<void> => {
      await batch.commit(lastOf(batch).offset);
      for (const value of values(batch.messages)) done.add(value);
    };
    await listen(broker, {
      group: g,
      topics: [name],
      async onBatch(batch) {
        await until('a turn of events', () => mayFinish || batch.isStale());
        if (!batch.isStale()) return finish(batch);
        stale.push(batch.partition);
        await batch.heartbeat().catch((error: Error) => refused.push(error.name));
        await batch.commit(lastOf(batch).offset).catch((error: Error) => refused.push(error.name));
      },
    });
    await until('both batches', async () => (await broker.lag(g, [name])).every(({ lag }) => lag === 10n));
    const b = await listen(other, { group: g, topics: [name], onBatch: finish });
    await until('a stale batch', () => stale.length > 0);
    await until('the other member', () => b.assigned().length === 1);
    mayFinish = true;
    await until('everything handled', () => done.size === 20);
    assert.ok(refused.length >= 2 && refused.every((error) => error === 'PartitionLost'), refused.join());
    await until('no lag', async () => (await broker.lag(g, [name])).every(({ lag }) => lag === 0n));
  });

  test('members that come and go all the time lose nothing, and keep the order', async () => {
    const [broker, other, name] = await twoClients(4);
    const g = `g-${randomUUID()}`;
    const committed: { partition: number; number: number }[] = [];
    const onBatch = async (batch: Batch): Promise<void> => {
      await new Promise((turn) => setTimeout(turn, 3));
      await batch.commit(lastOf(batch).offset);
      committed.push(...values(batch.messages).map((value) => ({ partition: batch.partition, number: Number(value) })));
    };
    const steady = await listen(broker, { group: g, topics: [name], maxBatch: 7, onBatch });
    let [sent, going] = [0, true];
    const sending = (async () => {
      while (going) {
        await broker.send(name, numbered(sent, sent + 1, `k${sent % 16}`));
        sent += 1;
        await new Promise((turn) => setTimeout(turn, 1));
      }
    })();
    for (let round = 0; round < 4; round++) {
      const guest = await listen(other, { group: g, topics: [name], maxBatch: 7, onBatch });
      await until('a share for both', () => guest.assigned().length === 2 && steady.assigned().length === 2);
      const before = committed.length;
      await until('some work', () => committed.length > before + 20);
      await guest.stop();
    }
    going = false;
    await sending;
    await until('no lag', async () => (await broker.lag(g, [name])).every(({ lag }) => lag === 0n));
    assert.equal(new Set(committed.map(({ number }) => number)).size, sent);
    for (let partition = 0; partition < 4; partition++) {
      const firsts = [...new Set(committed.filter((m) => m.partition === partition).map(({ number }) => number))];
      assert.deepEqual(
        firsts,
        firsts.toSorted((a, b) => a - b),
      );
    }
    assert.deepEqual(steady.fatal, []);
  });
}
