/** What every live store must do when it is emptied. Of a store of its own: everything in it goes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { streamKey } from '../../../../schema/channels.ts';
import { feedKey, latestKlineKey, minuteKlineKey, tradeListKey } from '../../../../schema/live/keys.ts';
import { type LiveStore, SourceLost } from '../../../../src/platform/live/store.ts';
import { appendAll, event, latestWrite, type OpenStore, Recorder, upTo } from './store.fixture.ts';

const market = { exchange: 'BINANCE', symbol: 'BTC-USDT' } as const;

/** Declares the suite. `open` is called once; the store is closed at the end. */
export function liveClearContract(open: OpenStore): void {
  let store: LiveStore;
  before(async () => {
    store = await open();
  });
  after(() => store.close());
  const stream = streamKey('kline', 'binance:BTC-USDT:1m');

  const fill = (epoch: string, n: number) =>
    appendAll(
      store,
      upTo(n).map(() =>
        event(stream, {
          epoch,
          writes: [
            { kind: 'latest', key: latestKlineKey(market, 'M1'), value: 'v' },
            { kind: 'value', key: minuteKlineKey(market, 60_000), value: 'v', ttlMs: 60_000 },
            { kind: 'list', key: tradeListKey(market), value: 'v', cap: 5 },
            { kind: 'field', key: feedKey('BINANCE'), field: 'f', value: 'v' },
          ],
        }),
      ),
    );

  test('nothing is left, of whatever kind, and sequences begin anew', async () => {
    await fill('e1', 3);
    await store.rememberSource('topic', 0, { epoch: 'e1', next: 3n, catchUpTo: 0n });
    await store.clear();
    await store.clear();
    assert.deepEqual(await store.latest([latestKlineKey(market, 'M1')]), [null]);
    assert.deepEqual(await store.values([minuteKlineKey(market, 60_000)]), [null]);
    assert.deepEqual(await store.list(tradeListKey(market), 5), []);
    assert.deepEqual(await store.fields(feedKey('BINANCE')), {});
    assert.deepEqual(await store.positions([stream]), [null]);
    assert.deepEqual(await store.read(stream, 0n, 10), []);
    assert.equal(await store.sourcePosition('topic', 0), null);
    assert.equal(await store.advanceSource('topic', 0, { epoch: 'e1', next: 4n }), false);
    assert.deepEqual(await fill('e2', 2), [1, 2]);
  });

  test('appends of a source that was forgotten meanwhile, or began anew, are refused and write nothing', async () => {
    await store.clear();
    const from = { topic: 'topic', partition: 3, epoch: 'e1' };
    const key = latestKlineKey(market, 'M1');
    const chunk = () => upTo(3).map((n) => event(stream, { writes: [latestWrite(key, `v${n}`)] }));
    const stands = async () => (await store.positions([stream]))[0]?.sequence ?? null;
    await assert.rejects(store.append(chunk(), from), SourceLost);
    await store.rememberSource('topic', 3, { epoch: 'e1', next: 0n, catchUpTo: 0n });
    assert.deepEqual(
      (await store.append(chunk(), from)).map(({ sequence }) => sequence),
      [1n, 2n, 3n],
    );
    assert.equal((await store.latest([key]))[0]?.value, 'v3');
    // the next chunk of the same batch
    await store.clear();
    await assert.rejects(store.append(chunk(), from), SourceLost);
    assert.equal(await stands(), null);
    assert.deepEqual(await store.latest([key]), [null]);
    await store.rememberSource('topic', 3, { epoch: 'e2', next: 0n, catchUpTo: 0n });
    await assert.rejects(store.append(chunk(), from), SourceLost);
    assert.equal(await stands(), null);
    assert.equal((await store.append(chunk(), { ...from, epoch: 'e2' })).length, 3);
    assert.equal(await stands(), 3n);
  });

  test('those who follow are told that the stream is lost, and get it from its new start', async () => {
    await store.clear();
    await fill('e1', 3);
    const recorder = new Recorder(store);
    try {
      recorder.tail.follow(stream, 0n);
      await recorder.until(() => recorder.entries.length >= 3);
      await store.clear();
      await recorder.until(() => recorder.losses.length > 0);
      assert.deepEqual(recorder.losses, [{ stream, now: null }]);
      await fill('e2', 2);
      await recorder.until(() => recorder.entries.length >= 5);
      assert.deepEqual(recorder.sequences(stream), [1, 2, 3, 1, 2]);
      // emptied and at once longer than before
      await store.clear();
      await fill('e3', 9);
      await recorder.until(() => recorder.entries.length >= 14);
      assert.equal(recorder.losses.length, 2);
      assert.deepEqual(recorder.sequences(stream).slice(5), upTo(9));
    } finally {
      await recorder.tail.close();
    }
  });
}
