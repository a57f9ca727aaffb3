import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBithumbSim } from '../../sim/bithumb/server.ts';
import { startUpbitSim } from '../../sim/upbit/server.ts';
import type { UpbitProtocolSim } from '../../sim/upbit-protocol/server.ts';
import { connect } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);
const HOURS_9 = 9 * 3_600_000;

/** Bithumb is Upbit's protocol with differences: these are the differences. */
describe('a simulated Bithumb', () => {
  let sim: UpbitProtocolSim;
  before(async () => {
    sim = await startBithumbSim({ symbols: ['KRW-BTC', 'KRW-ADA'], startAt: START });
    sim.advance(120_000);
  });
  after(() => sim.close());

  const subscribe = async (...parts: object[]) => {
    const client = await connect(sim.wsUrl);
    client.socket.send(JSON.stringify([{ ticket: 'x' }, ...parts]));
    return client;
  };
  const get = async <T>(path: string): Promise<{ status: number; body: T; text: string }> => {
    const response = await fetch(sim.restUrl + path);
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as T, text };
  };

  test('books: stamped in µs, at most 15 units, four decimals, and repeated', async () => {
    const client = await subscribe({ type: 'orderbook', codes: ['KRW-BTC.30', 'KRW-ADA.5'] });
    await client.until((f) => f.length === 2);
    const [btc, ada] = client.frames.map(
      (f) => JSON.parse(f) as { timestamp: number; level: number; orderbook_units: object[] },
    );
    assert.equal(Math.floor((btc?.timestamp ?? 0) / 1_000), sim.now());
    assert.deepEqual([btc?.level, btc?.orderbook_units.length, ada?.orderbook_units.length], [1, 15, 5]);
    sim.advance(20_000);
    await client.until((f) => f.length > 300);
    const sizes = client.frames.flatMap((f) => [...f.matchAll(/"ask_size":([^,}]+)/g)].map((m) => m[1] ?? ''));
    assert.ok(sizes.every((size) => /^\d+(\.\d{1,4})?$/.test(size)));
    assert.ok(sizes.includes('0'));
    const units = client.frames
      .filter((f) => f.includes('KRW-BTC'))
      .map((f) => /"orderbook_units":\[.*\]/.exec(f)?.[0]);
    assert.ok(units.some((u, i) => i > 0 && u === units[i - 1]));
    client.close();
  });

  test('only the camel-case options are heeded', async () => {
    const client = await subscribe({ type: 'trade', codes: ['KRW-BTC'], is_only_snapshot: true });
    await client.until((f) => f.length === 1);
    sim.advance(30_000);
    await client.until((f) => f.length > 5);
    client.close();
    const heeded = await subscribe({ type: 'trade', codes: ['KRW-BTC'], isOnlyRealtime: true }, { format: 'NONSENSE' });
    await new Promise<void>((done) => {
      heeded.socket.once('pong', () => done());
      heeded.socket.ping();
    });
    sim.advance(30_000);
    await heeded.until((f) => f.length > 5);
    assert.ok(heeded.frames.every((f) => f.includes('REALTIME') && f.startsWith('{"type":"trade"')));
    heeded.close();
  });

  test('there is no candle stream', async () => {
    const client = await subscribe({ type: 'candle.1m', codes: ['KRW-BTC'] });
    await client.until((f) => f.length === 1);
    assert.equal(
      client.frames[0],
      '{"error":{"name":"INVALID_PARAM","message":"candle.1m 은 지원하지 않는 타입입니다."}}',
    );
    assert.equal((await client.closed).code, 1000);
  });

  test('ids have 19 digits in the stream and 17 over REST; times are Korean', async () => {
    const client = await subscribe({ type: 'trade', codes: ['KRW-BTC'] }, { type: 'ticker', codes: ['KRW-BTC'] });
    await client.until((f) => f.length === 2);
    const trade = sim.sent('KRW-BTC').trades.at(-1);
    assert.match(trade?.streamId ?? '', /^\d{19}$/);
    assert.ok(client.frames[0]?.includes(`"sequential_id":${trade?.streamId},`));
    const korean = new Date((trade?.time ?? 0) + HOURS_9).toISOString();
    assert.ok(
      client.frames[0]?.includes(`"trade_date":"${korean.slice(0, 10)}","trade_time":"${korean.slice(11, 19)}"`),
    );
    assert.ok(!client.frames[0]?.includes('best_ask'));
    assert.ok(client.frames[1]?.includes('"delisting_date":""'));
    const { text } = await get('/v1/trades/ticks?market=KRW-BTC');
    assert.ok(text.includes(`"sequential_id":${trade?.restId}}`));
    assert.match(trade?.restId ?? '', /^\d{17}$/);
    client.close();
  });

  test('REST tickers are stamped nine hours late; `to` of candles is Korean', async () => {
    const [ticker] = (await get<{ timestamp: number; trade_timestamp: number }[]>('/v1/ticker?markets=KRW-BTC')).body;
    assert.equal(ticker?.timestamp, sim.now() + HOURS_9);
    assert.equal(ticker?.trade_timestamp, (sim.sent('KRW-BTC').trades.at(-1)?.time ?? 0) + HOURS_9);
    const path = '/v1/candles/minutes/1?market=KRW-BTC&count=1&to=2026-01-05T21:02:00';
    assert.match(
      (await get(path)).text,
      /"candle_date_time_utc":"2026-01-05T12:01:00","candle_date_time_kst":"2026-01-05T21:01:00"/,
    );
  });

  test('errors come with HTTP 200, but for a path that is none', async () => {
    const unknown = await get('/v1/ticker?markets=KRW-NOPE');
    assert.deepEqual([unknown.status, unknown.text], [200, '{"error":{"name":404,"message":"Code not found"}}']);
    assert.equal((await get('/v1/candles/minutes/1')).status, 200);
    const none = await get('/v1/nope');
    assert.deepEqual(
      [none.status, none.text],
      [404, '{"name":"not_found","message":"No Route matched with those values"}'],
    );
    assert.equal((await get('/v1/ticker/all')).status, 404);
  });

  test('its trades are not those of Upbit, its prices near them', async () => {
    const upbit = await startUpbitSim({ symbols: ['KRW-BTC', 'KRW-ADA'], startAt: START });
    upbit.advance(120_000);
    const [a, b] = [upbit, sim].map((one) => one.sent('KRW-BTC').trades.map((t) => t.time));
    assert.notDeepEqual(a?.slice(0, 20), b?.slice(0, 20));
    const [x, y] = [upbit, sim].map((one) => Number(one.sent('KRW-BTC').trades[5]?.price));
    assert.ok(Math.abs((x ?? 0) / (y ?? 1) - 1) < 0.03);
    await upbit.close();
  });
});
