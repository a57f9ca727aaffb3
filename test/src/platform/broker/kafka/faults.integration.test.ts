import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Broker, BrokerUnavailable } from '../../../../../src/platform/broker/broker.ts';
import { openKafkaBroker } from '../../../../../src/platform/broker/kafka/broker.ts';
import { createLog } from '../../../../../src/platform/log.ts';
import { freePort } from '../../../../../src/platform/postgres/embedded.ts';
import { prepareOwnKafka, startKafka, type TestKafka } from '../../../../support/kafka.ts';
import { withService } from '../../../../support/service.ts';
import { startTcpProxy, type TcpProxy } from '../../../../support/tcp-proxy.ts';
import { until } from '../../../../support/until.ts';
import { type Listener, lastOf, listen, numbered, spec, values } from '../listening.ts';

const log = createLog(process.env.TEST_LOG ?? 'silent');
const TIMEOUT_MS = 1_500;
const SESSION_MS = 1_500;
/** Of a member that must keep its place until it is cut off, however rarely this process gets a turn. */
const LONG_SESSION_MS = 5_000;
const PATIENCE = { timeoutMs: 60_000 };
const opened: Broker[] = [];

async function open(brokers: readonly string[], sessionTimeoutMs = SESSION_MS): Promise<Broker> {
  const clientId = `test-${randomUUID()}`;
  const broker = await openKafkaBroker({ brokers, clientId, sessionTimeoutMs, timeoutMs: TIMEOUT_MS, log });
  opened.push(broker);
  return broker;
}

/** Sends numbers one after the other until told to stop; resolves with those that were acknowledged. */
function keepSending(broker: Broker, topic: string): { readonly sent: number; stop(): Promise<Set<string>> } {
  const acknowledged = new Set<string>();
  let [next, stopped] = [0, false];
  const running = (async () => {
    while (!stopped) {
      const number = next++;
      try {
        await broker.send(topic, numbered(number, number + 1));
        acknowledged.add(String(number));
      } catch (error) {
        assert.equal((error as Error).name, 'BrokerUnavailable', String(error));
      }
      await new Promise((turn) => setTimeout(turn, 2));
    }
  })();
  return {
    get sent() {
      return acknowledged.size;
    },
    async stop() {
      stopped = true;
      await running;
      return acknowledged;
    },
  };
}

/** The call fails before a timer of so many ms goes off, which a process that gets no turn holds up as much. */
async function failsWithin(ms: number, call: () => Promise<unknown>): Promise<void> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
  }, ms);
  await assert.rejects(call(), BrokerUnavailable);
  clearTimeout(timer);
  assert.ok(!isLate, `took more than ${ms} ms`);
}

function missing(acknowledged: ReadonlySet<string>, { seen }: Listener): number {
  const got = new Set(values(seen));
  return [...acknowledged].filter((value) => !got.has(value)).length;
}

/** Resolves when everything acknowledged was seen; else says how far the listener came. */
async function allSeen(acknowledged: ReadonlySet<string>, listener: Listener): Promise<void> {
  const howFar = (): string => {
    const { seen, fatal } = listener;
    const counts = `${missing(acknowledged, listener)} of ${acknowledged.size} not seen, ${seen.length} seen`;
    return `everything acknowledged: ${counts} up to offset ${seen.at(-1)?.offset}, ${listener.assigned().length} assigned, ${fatal}`;
  };
  await until(howFar, () => missing(acknowledged, listener) === 0, PATIENCE);
}

await withService('Kafka that fails', prepareOwnKafka, () => {
  let kafka: TestKafka;
  let proxy: TcpProxy;
  let broker: Broker;

  before(async () => {
    const proxyPort = await freePort();
    kafka = await startKafka({ proxyPort });
    proxy = await startTcpProxy(kafka.proxiedListener, proxyPort);
    broker = await open(kafka.brokers);
  });
  after(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await proxy?.stop();
    await kafka?.stop();
  });

  async function topic(partitions = 1): Promise<string> {
    const one = spec(partitions);
    await broker.ensureTopics([one]);
    return one.name;
  }

  test('frozen for 6 s: calls fail within their bound, what was acknowledged arrives, reading goes on', async () => {
    const name = await topic();
    // tens of megabytes in the listener's way may be more than it can take in within so short a session
    const unread = await topic();
    const listener = await listen(broker, { group: name, topics: [name] });
    const sending = keepSending(broker, name);
    await until('a beginning', () => listener.seen.length > 10, PATIENCE);
    await kafka.kill('SIGSTOP');
    try {
      const thaw = Date.now() + 6_000;
      for (const call of [
        () => broker.ping(),
        () => broker.send(name, numbered(0, 1)),
        () => broker.watermarks(name),
      ]) {
        await failsWithin(TIMEOUT_MS + 500, call);
      }
      const large = { key: 'k', value: Buffer.alloc(800_000) };
      const burst = await Promise.allSettled(Array.from({ length: 60 }, () => broker.send(unread, [large])));
      const full = burst.filter((r) => r.status === 'rejected' && /wait to be acknowledged/.test(String(r.reason)));
      assert.ok(full.length >= 15, `${full.length} of 60 refused for the bound on bytes`);
      await until('6 s to pass', () => Date.now() > thaw);
    } finally {
      await kafka.kill('SIGCONT');
    }
    const before = sending.sent;
    await until('sends that succeed', () => sending.sent > before + 10, PATIENCE);
    const acknowledged = await sending.stop();
    await allSeen(acknowledged, listener);
    await broker.ping();
    assert.deepEqual(listener.fatal, []);
    await listener.stop();
  });

  test('killed and started again, twice: nothing acknowledged is lost, order is kept', async () => {
    const name = await topic();
    const listener = await listen(broker, { group: name, topics: [name] });
    const sending = keepSending(broker, name);
    for (let round = 0; round < 2; round++) {
      const before = sending.sent;
      await until('sends that succeed', () => sending.sent > before + 20, PATIENCE);
      await kafka.kill('SIGKILL');
      await assert.rejects(broker.ping(), BrokerUnavailable);
      await kafka.restart();
    }
    const before = sending.sent;
    await until('sends that succeed', () => sending.sent > before + 20, PATIENCE);
    const acknowledged = await sending.stop();
    await allSeen(acknowledged, listener);
    const firsts = [...new Set(values(listener.seen))].map(Number);
    assert.deepEqual(
      firsts,
      firsts.toSorted((a, b) => a - b),
    );
    assert.deepEqual(listener.fatal, []);
    await listener.stop();
  });

  test('a member that is cut off: its batch goes stale, another takes over, nothing is lost', async () => {
    const name = await topic(2);
    for (let i = 0; i < 20; i++) await broker.send(name, numbered(i, i + 1, null));
    const cutOff = await open([`127.0.0.1:${proxy.port}`], LONG_SESSION_MS);
    const refused: string[] = [];
    const revoked: number[] = [];
    const inHand = new Set<number>();
    const a = await listen(cutOff, {
      group: name,
      topics: [name],
      onRevoked: ({ partition }) => void revoked.push(partition),
      async onBatch(batch) {
        if (refused.length >= 2) return batch.commit(lastOf(batch).offset);
        inHand.add(batch.partition);
        await until('the batch to go stale', () => batch.isStale(), PATIENCE);
        await batch.commit(lastOf(batch).offset).catch((error: Error) => refused.push(error.name));
        throw new Error('it was taken away');
      },
    });
    await until('a batch of each partition', () => inHand.size === 2, PATIENCE);
    await proxy.set('blackhole');
    const b = await listen(broker, { group: name, topics: [name] });
    await until('both at the other member', () => b.assigned().length === 2, PATIENCE);
    await until('everything', () => new Set(values(b.seen)).size === 20, PATIENCE);
    await until('both refusals', () => refused.length === 2, PATIENCE);
    assert.deepEqual(refused, ['PartitionLost', 'PartitionLost']);
    await until('both revoked', () => revoked.length === 2, PATIENCE);
    assert.deepEqual(a.assigned(), []);
    await proxy.set('pass');
    await until('one each', () => a.assigned().length === 1 && b.assigned().length === 1, PATIENCE);
    for (let i = 20; i < 40; i++) await broker.send(name, numbered(i, i + 1, null));
    await until('the rest', () => new Set(values([...a.seen, ...b.seen])).size === 40, PATIENCE);
    assert.deepEqual([...a.fatal, ...b.fatal], []);
    await Promise.all([a.stop(), b.stop()]);
  });

  test('connections that are reset or refused: the client comes back by itself', async () => {
    const name = await topic();
    const through = await open([`127.0.0.1:${proxy.port}`]);
    const listener = await listen(through, { group: name, topics: [name] });
    const sending = keepSending(through, name);
    for (const mode of ['reset', 'refuse'] as const) {
      const before = sending.sent;
      await until('sends that succeed', () => sending.sent > before + 10, PATIENCE);
      await proxy.set(mode);
      await until('a failure to show', () =>
        through.ping().then(
          () => false,
          (error) => error.name === 'BrokerUnavailable',
        ),
      );
      await proxy.set('pass');
    }
    const before = sending.sent;
    await until('sends that succeed', () => sending.sent > before + 10, PATIENCE);
    const acknowledged = await sending.stop();
    await allSeen(acknowledged, listener);
    assert.deepEqual(listener.fatal, []);
    await listener.stop();
  });

  test('close ends within its bound while Kafka is frozen', async () => {
    const name = await topic();
    const through = await open([`127.0.0.1:${proxy.port}`]);
    const listener = await listen(through, { group: name, topics: [name] });
    await until('the partition', () => listener.assigned().length === 1, PATIENCE);
    await proxy.set('blackhole');
    const began = performance.now();
    const sending = assert.rejects(through.send(name, numbered(0, 1)), BrokerUnavailable);
    await through.close();
    await sending;
    assert.ok(performance.now() - began < 4 * TIMEOUT_MS);
    await proxy.set('pass');
  });

  test('a crash that kafkajs does not recover from is told once', async () => {
    const name = await topic();
    // below the broker's group.min.session.timeout.ms
    const misfit = await open(kafka.brokers, 200);
    const listener = await listen(misfit, { group: name, topics: [name] });
    await until('onFatal', () => listener.fatal.length > 0, PATIENCE);
    assert.match(String(listener.fatal[0]), /session timeout/i);
    await listener.stop();
    assert.equal(listener.fatal.length, 1);
  });

  test('a broker that is not there is BrokerUnavailable, within the bound', async () => {
    const nobody = await freePort();
    await failsWithin(3 * TIMEOUT_MS, () => open([`127.0.0.1:${nobody}`]));
  });
});
