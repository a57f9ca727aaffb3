/** What a stream could not take is said on it: where it belonged, once, and after a restart too. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { live as liveWorker } from '../../../ingestion/workers/live.ts';
import { runWorker } from '../../../ingestion/workers/worker.ts';
import { type ChannelName, streamKey } from '../../../schema/channels.ts';
import type { TradeEvent } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import type { OutgoingMessage } from '../../../src/platform/broker/broker.ts';
import { LiveStoreUnavailable } from '../../../src/platform/live/store.ts';
import type { Platform, Running } from '../../../src/platform/platform.ts';
import { until } from '../../support/until.ts';
import { minute, trade } from '../workers/market-events.ts';
import { drained, memoryPlatform } from '../workers/worker-platform.ts';

const UNKNOWN = '{"missed":null,"reason":"FEED_GAP"}';

describe('a message that is dead-lettered', () => {
  let platform: Platform;
  let running: Running;
  const start = async (): Promise<void> => {
    running = await runWorker(liveWorker, platform, assert.fail);
  };
  beforeEach(async () => {
    platform = await memoryPlatform();
    await start();
  });
  afterEach(async () => {
    await running.stop();
    await platform.broker.close();
  });

  async function send(topic: string, messages: readonly OutgoingMessage[]): Promise<void> {
    await platform.broker.send(topic, messages);
    await drained(platform.broker, 'live', [topic]);
  }
  async function gaps(channel: ChannelName, id: string): Promise<(string | null)[]> {
    return (await platform.live.read(streamKey(channel, id), 0n, 100)).map(({ gap }) => gap);
  }
  const now = Date.now();
  const { trades, kline } = TOPICS;
  const told = (id: number, fields: Partial<TradeEvent> = {}): OutgoingMessage => {
    const one = trade(String(id), now + id, fields);
    return { key: trades.key(one), value: trades.encode(one) };
  };
  const eth = { symbol: 'ETH-USDT' } as const;
  const upbit = { exchange: 'UPBIT', symbol: 'BTC-KRW' } as const;

  test('and says whose it is: that stream alone, between the events where it was', async () => {
    const bad = told(3, { price: '-1' });
    await send(trades.name, [told(1), told(2), bad, told(4), told(5), told(1, eth), told(1, upbit)]);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, null, UNKNOWN, null]);
    for (const id of ['binance:ETH-USDT', 'upbit:BTC-KRW']) assert.deepEqual(await gaps('trade', id), [null]);
  });

  test('and can not be read at all: every stream of its key, once', async () => {
    await send(trades.name, [told(1), told(1, upbit), told(1, eth), { key: 'BTC', value: Buffer.from('{') }]);
    await send(trades.name, [told(2), told(3), told(2, upbit), told(3, upbit), told(2, eth)]);
    for (const id of ['binance:BTC-USDT', 'upbit:BTC-KRW']) {
      assert.deepEqual(await gaps('trade', id), [null, UNKNOWN, null]);
    }
    assert.deepEqual(await gaps('trade', 'binance:ETH-USDT'), [null, null]);
  });

  test('and the worker restarts before the stream goes on', async () => {
    const open = (eventTime: number) => {
      const one = minute(now - (now % 60_000), { isClosed: false, eventTime });
      return { key: kline.key(one), value: kline.encode(one) };
    };
    const bad = { key: 'BTC', value: Buffer.from(String(open(now).value).replace('"100"', '"nothing"')) };
    await send(kline.name, [open(now + 1), bad]);
    await send(trades.name, [told(1), { ...told(2), value: null }]);
    await running.stop();
    await start();
    await send(kline.name, [open(now + 2), open(now + 3)]);
    await send(trades.name, [told(3), told(4)]);
    await running.stop();
    await start();
    await send(trades.name, [told(5), told(5, upbit), told(6, upbit)]);
    assert.deepEqual(await gaps('kline', 'binance:BTC-USDT:1m'), [null, UNKNOWN, null]);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, UNKNOWN, null, null], 'not again');
    assert.deepEqual(await gaps('trade', 'upbit:BTC-KRW'), [UNKNOWN, null], 'which had not told yet');
  });

  /** What was done since an offset of the partition is delivered again, as after a crash before the place was kept. */
  async function again(topic: string, from: bigint): Promise<void> {
    await running.stop();
    const { partition } = (await platform.broker.watermarks(topic)).find(({ high }) => high > 0n) ?? { partition: -1 };
    const known = await platform.live.sourcePosition(topic, partition);
    assert.ok(known && known.next >= from);
    await platform.live.rememberSource(topic, partition, { ...known, next: from });
    await start();
    await until('all to be done again', async () => {
      const now = await platform.live.sourcePosition(topic, partition);
      return now && now.next >= known.next;
    });
  }

  test('and delivered again after it was told: it is not told twice', async () => {
    const bad = told(2, { price: '-1' });
    await send(trades.name, [told(1), bad, told(3), { key: 'BTC', value: Buffer.from('{') }, told(4), told(5)]);
    const expected = [null, UNKNOWN, UNKNOWN, null];
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), expected);
    for (const from of [0n, 1n, 3n]) {
      await again(trades.name, from);
      expected.push(null);
      await send(trades.name, [told(10 + expected.length)]);
      assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), expected);
    }
    // one that is new is
    await send(trades.name, [bad, told(90)]);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [...expected, UNKNOWN]);
  });

  test('and delivered again before anything told it: it is told once', async () => {
    await send(trades.name, [told(1), told(2, { price: '-1' })]);
    await again(trades.name, 0n);
    await again(trades.name, 1n);
    await send(trades.name, [told(3), told(4)]);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, UNKNOWN, null]);
  });

  test('a trade that comes too late, and delivered again after the next one told it: it is not told twice', async () => {
    await send(trades.name, [told(1), told(60_000), told(2), told(60_001)]);
    for (const from of [0n, 2n, 3n]) await again(trades.name, from);
    await send(trades.name, [told(60_002), told(3)]);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, null, UNKNOWN, null]);
    await again(trades.name, 2n);
    await send(trades.name, [told(60_003), told(60_004)]);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, null, UNKNOWN, null, UNKNOWN, null]);
  });

  for (const [what, bad] of [
    ['that was dead-lettered', told(2, { price: '-1' })],
    ['that came too late', told(-60_000)],
  ] as const) {
    test(`one ${what}, told by an event whose batch fails after it was written: it is not told twice`, async () => {
      const { live } = platform;
      const append = live.append.bind(live);
      let left = Number.POSITIVE_INFINITY;
      await send(trades.name, [told(1), bad]);
      live.append = async (...args) => {
        left -= 1;
        const done = await append(...args);
        if (left === 0) throw new LiveStoreUnavailable('answer lost');
        return done;
      };
      left = 1;
      await send(trades.name, [told(3), told(4)]);
      await send(trades.name, [told(5)]);
      assert.ok(left < 0);
      assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, UNKNOWN, null, null]);
    });
  }

  test('and the live store is away for the moment: it is told all the same', async () => {
    const { live } = platform;
    const put = live.put.bind(live);
    let failures = 3;
    live.put = async (...args) => {
      if (failures-- > 0) throw new LiveStoreUnavailable('away');
      return put(...args);
    };
    await send(trades.name, [told(1), told(2, { price: '-1' }), told(3), told(4)]);
    assert.ok(failures < 0);
    assert.deepEqual(await gaps('trade', 'binance:BTC-USDT'), [null, UNKNOWN, null]);
  });
});
