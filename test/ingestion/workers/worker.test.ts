import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startWorkers } from '../../../ingestion/workers/index.ts';
import { type Item, runWorker, type Source, type WorkBatch } from '../../../ingestion/workers/worker.ts';
import type { TradeEvent } from '../../../schema/market.ts';
import { BadMessage, deadLetterTopic, TOPICS } from '../../../schema/topics.ts';
import { BrokerUnavailable } from '../../../src/platform/broker/broker.ts';
import { ConfigError } from '../../../src/platform/config.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { PostgresUnavailable } from '../../../src/platform/postgres/postgres.ts';
import { until } from '../../support/until.ts';
import { START, trade } from './market-events.ts';
import { type blankPostgres, drained, memoryPlatform, produce, readAll } from './worker-platform.ts';

const topic = TOPICS.trades;

/** Runs a worker that hands its batches to `handle`. */
function run(
  platform: Platform,
  handle: (items: readonly Item<TradeEvent>[], batch: WorkBatch) => Promise<void>,
): Promise<Running> {
  const source: Source<TradeEvent> = {
    topic: topic.name,
    parse: (message) => topic.parse(message.value),
    handle,
  };
  return runWorker({ group: 'test', maxBatch: 100, open: () => [source] }, platform, (error) => {
    throw error;
  });
}

const ids = (items: readonly Item<TradeEvent>[]): string[] => items.map((item) => item.payload.tradeId);
const range = (n: number): string[] => Array.from({ length: n }, (_, i) => String(i));

describe('the worker loop', () => {
  let platform: Platform;
  let running: Running | null;
  beforeEach(async () => {
    platform = await memoryPlatform();
    running = null;
  });
  const done = async (): Promise<void> => {
    await drained(platform.broker, 'test', [topic.name]);
    await running?.stop();
  };

  test('hands over everything in order and commits it', async () => {
    const seen: string[] = [];
    running = await run(platform, async (items) => void seen.push(...ids(items)));
    await produce(
      platform.broker,
      topic,
      range(250).map((id) => trade(id, START)),
    );
    const lags = async () => (await metrics.lag.get()).values.filter(({ labels }) => labels.group === 'test');
    await drained(platform.broker, 'test', [topic.name]);
    await until('its lag to be told', async () => (await lags()).some(({ value }) => value === 0));
    await done();
    assert.deepEqual(seen, range(250));
    assert.deepEqual(await lags(), [], 'whoever has the partition next tells');
  });

  test('dead-letters what does not parse, with its bytes and where it was, and goes on', async () => {
    const seen: string[] = [];
    const bad = [Buffer.from('{'), Buffer.from('{"exchange":"X"}'), Buffer.from([0xff, 0x00]), null];
    for (const value of bad) await platform.broker.send(topic.name, [{ key: 'BTC', value, headers: { trace: 'a' } }]);
    await produce(platform.broker, topic, [trade('1', START)]);
    running = await run(platform, async (items) => void seen.push(...ids(items)));
    await done();
    assert.deepEqual(seen, ['1']);
    const dead = await readAll(platform.broker, deadLetterTopic(topic.name));
    assert.deepEqual(
      dead.map((m) => m.value?.toString('latin1') ?? null),
      bad.map((value) => value?.toString('latin1') ?? null),
    );
    const { error, ...rest } = dead[1]?.headers ?? {};
    assert.match(error ?? '', /exchange/);
    assert.deepEqual(
      { ...rest, partition: 'n' },
      { trace: 'a', topic: topic.name, partition: 'n', offset: '1', group: 'test' },
    );
    const rows = (platform.postgres as ReturnType<typeof blankPostgres>).asked.filter((q) =>
      /dead_letter/.test(q.text),
    );
    assert.equal(rows.length, 1);
  });

  test('finds the messages a write fails on by halving, and writes all others', async () => {
    const seen = new Set<string>();
    let calls = 0;
    await produce(
      platform.broker,
      topic,
      range(64).map((id) => trade(id, START)),
    );
    const poison = new Set(['7', '40', '41']);
    running = await run(platform, async (items) => {
      calls++;
      if (ids(items).some((id) => poison.has(id))) throw new BadMessage('will not fit');
      for (const id of ids(items)) seen.add(id);
    });
    await done();
    assert.deepEqual(
      [...seen],
      range(64).filter((id) => !poison.has(id)),
    );
    const dead = await readAll(platform.broker, deadLetterTopic(topic.name));
    assert.deepEqual(new Set(dead.map((m) => topic.parse(m.value).tradeId)), poison);
    assert.equal(dead[0]?.headers.error, 'will not fit');
    assert.ok(calls < 64, `${calls} calls`);
  });

  test('an error of unknown cause is tried a few times, then its message is dead-lettered', async () => {
    let calls = 0;
    await produce(platform.broker, topic, [trade('1', START)]);
    running = await run(platform, async () => {
      calls++;
      throw new TypeError('undefined is not a function');
    });
    await done();
    assert.equal(calls, 3);
    const [dead] = await readAll(platform.broker, deadLetterTopic(topic.name));
    assert.equal(dead?.headers.error, 'TypeError: undefined is not a function');
  });

  test('what passes is tried again with the same items, however often, and nothing is dead-lettered', async () => {
    const errors = [
      new PostgresUnavailable('down'),
      new BrokerUnavailable('down'),
      Object.assign(new Error('relation does not exist'), { code: '42P01' }),
      Object.assign(new Error('down'), { name: 'LiveStoreUnavailable' }),
    ];
    const seen: string[][] = [];
    await produce(platform.broker, topic, [trade('1', START), trade('2', START)]);
    running = await run(platform, async (items) => {
      seen.push(ids(items));
      const error = errors.shift();
      if (error) throw error;
    });
    await done();
    assert.deepEqual(seen, Array(5).fill(['1', '2']));
    assert.equal((await readAll(platform.broker, deadLetterTopic(topic.name))).length, 0);
  });

  test('one partition that fails does not stop another', async () => {
    const seen: string[] = [];
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    running = await run(platform, async (items) => {
      if (items[0]?.payload.symbol === 'BTC-USDT') await opened;
      seen.push(...ids(items));
    });
    await produce(platform.broker, topic, [trade('btc', START), trade('eth', START, { symbol: 'ETH-USDT' })]);
    await until('the other partition', () => seen.includes('eth'));
    open();
    await done();
    assert.deepEqual(seen, ['eth', 'btc']);
  });

  test('stop ends a batch that is being tried again, uncommitted', async () => {
    await produce(platform.broker, topic, [trade('1', START)]);
    let calls = 0;
    running = await run(platform, async () => {
      calls++;
      throw new PostgresUnavailable('down');
    });
    await until('a first try', () => calls > 0);
    await running.stop();
    const behind = (await platform.broker.lag('test', [topic.name])).reduce((sum, { lag }) => sum + lag, 0n);
    assert.equal(behind, 1n);
  });

  test('a lost partition: nothing more is written, the new owner gets it', async () => {
    const writes: string[] = [];
    let tries = 0;
    const fails = async (_: readonly Item<TradeEvent>[], batch: WorkBatch): Promise<void> => {
      tries++;
      batch.check();
      throw new PostgresUnavailable('down');
    };
    const first = await run(platform, fails);
    await produce(
      platform.broker,
      topic,
      ['BTC', 'ETH', 'SOL', 'XRP', 'BNB', 'ADA'].map((base) => trade(base, START, { symbol: `${base}-USDT` })),
    );
    await until('a first try', () => tries > 0);
    const second = await run(platform, async (items) => void writes.push(...ids(items)));
    await first.stop();
    running = second;
    await done();
    assert.deepEqual(writes.sort(), ['ADA', 'BNB', 'BTC', 'ETH', 'SOL', 'XRP']);
  });
});

describe('the registry', () => {
  let platform: Platform;
  before(async () => {
    platform = await memoryPlatform();
  });
  after(() => platform.broker.close());

  test('refuses a name it does not know, with the ones it does', async () => {
    const starting = startWorkers(platform, { only: ['live', 'lvie'], onFatal: () => {} });
    await assert.rejects(starting, (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /"lvie".*bronze, silver, klines, tickers, live/);
      return true;
    });
  });

  test('starts and stops them all', async () => {
    const running = await startWorkers(platform, { onFatal: assert.fail });
    await running.stop();
  });
});
