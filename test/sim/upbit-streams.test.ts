import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startUpbitSim } from '../../sim/upbit/server.ts';
import type { UpbitProtocolSim, UpbitProtocolSimOptions } from '../../sim/upbit-protocol/server.ts';
import { connect, eventually, type StreamClient } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);

interface Frame {
  type: string;
  code: string;
  timestamp: number;
  stream_type: string;
  [name: string]: unknown;
}

describe('the streams of a simulated Upbit', () => {
  let sim: UpbitProtocolSim;
  let client: StreamClient;
  const begin = async (options: UpbitProtocolSimOptions = {}) => {
    sim = await startUpbitSim({ symbols: ['KRW-BTC', 'KRW-ADA'], startAt: START, ...options });
    client = await connect(sim.wsUrl);
  };
  const ask = (...parts: object[]) => client.socket.send(JSON.stringify([{ ticket: 'test' }, ...parts]));
  const frames = () => client.frames.map((frame) => JSON.parse(frame) as Frame);
  const count = (n: number) => client.until((f) => f.length >= n);
  /** Resolves when the server has read everything that was sent before. */
  const settle = () =>
    new Promise<void>((done) => {
      client.socket.once('pong', () => done());
      client.socket.ping();
    });

  beforeEach(() => begin());
  afterEach(async () => {
    client.close();
    await sim.close();
  });

  test('there is no answer but the data: a snapshot, then what happens, all in binary frames', async () => {
    const binary: boolean[] = [];
    client.socket.on('message', (_data, isBinary) => binary.push(isBinary));
    ask({ type: 'trade', codes: ['KRW-BTC'] }, { type: 'orderbook', codes: ['KRW-BTC'] });
    await count(2);
    sim.advance(3_000);
    await count(20);
    const seen = frames();
    assert.deepEqual(
      seen.slice(0, 2).map((f) => [f.type, f.code, f.stream_type]),
      [
        ['trade', 'KRW-BTC', 'SNAPSHOT'],
        ['orderbook', 'KRW-BTC', 'SNAPSHOT'],
      ],
    );
    assert.ok(seen.slice(2).every((f) => f.stream_type === 'REALTIME'));
    assert.ok(binary.every(Boolean));
  });

  test('every trade comes with its id, price and side as on record', async () => {
    ask({ type: 'trade', codes: ['KRW-BTC'], is_only_realtime: true });
    await settle();
    sim.advance(60_000);
    await settle();
    const sent = sim.sent('KRW-BTC').trades;
    assert.ok(sent.length > 20);
    const ids = client.frames.map((frame) => /"sequential_id":(\d+)/.exec(frame)?.[1]);
    assert.deepEqual(
      ids,
      sent.map((t) => t.streamId),
    );
    assert.deepEqual(
      frames().map((f) => [f.trade_timestamp, f.trade_price, f.trade_volume, f.ask_bid]),
      sent.map((t) => [t.time, Number(t.price), Number(t.volume), t.side]),
    );
    assert.match(client.frames[0] ?? '', /"trade_price":\d+\.0,/);
    assert.ok(ids.every((id) => id?.length === 17));
  });

  test('ids are unique and not in order', async () => {
    sim.advance(600_000);
    const ids = sim.sent('KRW-BTC').trades.map((t) => BigInt(t.streamId));
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.some((id, i) => i > 0 && id < (ids[i - 1] as bigint)));
  });

  test('a new subscription replaces the old', async () => {
    ask({ type: 'trade', codes: ['KRW-BTC'] });
    await count(1);
    ask({ type: 'orderbook', codes: ['KRW-ADA'] });
    await count(2);
    sim.advance(5_000);
    await settle();
    assert.ok(frames().length > 5);
    assert.deepEqual(
      new Set(
        frames()
          .slice(1)
          .map((f) => `${f.type} ${f.code}`),
      ),
      new Set(['orderbook KRW-ADA']),
    );
  });

  test('unknown and lower-case symbols are silent', async () => {
    ask({ type: 'trade', codes: ['KRW-NOPE', 'krw-btc', 'KRW-ADA'] });
    await settle();
    assert.deepEqual(
      frames().map((f) => f.code),
      ['KRW-ADA'],
    );
  });

  test('options, formats and book sizes', async () => {
    ask(
      { type: 'trade', codes: ['KRW-BTC'], is_only_snapshot: true },
      { type: 'orderbook', codes: ['KRW-BTC.5', 'KRW-ADA.20'] },
      { format: 'SIMPLE' },
    );
    await count(3);
    const [trade, five, other] = frames() as unknown as { ty: string; st: string; obu: unknown[] }[];
    assert.deepEqual([trade?.ty, trade?.st, five?.obu.length, other?.obu.length], ['trade', 'SNAPSHOT', 5, 30]);
    sim.advance(10_000);
    await settle();
    assert.ok(
      frames()
        .slice(3)
        .every((f) => f.ty === 'orderbook'),
    );
    ask({ type: 'trade', codes: ['KRW-BTC'] }, { format: 'SIMPLE_LIST' });
    await client.until((f) => f.some((frame) => frame.startsWith('[{"ty":"trade"')));
  });

  test('numbers have exponents and trailing zeros, thin sides are padded', async () => {
    ask({ type: 'orderbook', codes: ['KRW-BTC'] });
    await count(1);
    assert.match(client.frames[0] ?? '', /"ask_price":\d\.\d+E7,"bid_price":\d\.\d+E7,"ask_size":\d+\.\d{8},/);
    sim.advance(30_000);
    await client.until((f) => f.some((frame) => /"(ask|bid)_price":0\.0/.test(frame)));
    ask({ type: 'orderbook', codes: ['KRW-BTC'] }, { format: 'SIMPLE' });
    await client.until((f) => f.some((frame) => /"as":\d\.\d+E-\d/.test(frame)));
  });

  test('a candle comes once a second with trades, repeats its bar, and has no closed flag', async () => {
    ask({ type: 'candle.1m', codes: ['KRW-BTC'] });
    await count(1);
    sim.advance(95_000);
    await settle();
    const bars = frames().map((f) => f.candle_date_time_utc as string);
    assert.deepEqual([...new Set(bars)], ['2026-01-05T12:00:00', '2026-01-05T12:01:00', '2026-01-05T12:02:00']);
    assert.ok(bars.length > 10 && bars.length < 91);
    assert.match(client.frames.at(-1) ?? '', /"trade_price":\d+\.00000000,/);
  });

  test('what is wrong with a request is said, and the connection is closed with 1000', async () => {
    const cases: [unknown, string][] = [
      ['{', 'WRONG_FORMAT'],
      [{ type: 'trade' }, 'WRONG_FORMAT'],
      [[{ type: 'trade', codes: ['KRW-BTC'] }], 'NO_TICKET'],
      [[{ ticket: 'x' }], 'NO_TYPE'],
      [[{ ticket: 'x' }, { type: 'nope', codes: ['KRW-BTC'] }], 'INVALID_PARAM'],
      [[{ ticket: 'x' }, { type: 'trade' }], 'NO_CODES'],
    ];
    for (const [message, name] of cases) {
      const other = await connect(sim.wsUrl);
      other.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
      await other.until((f) => f.length === 1);
      assert.equal((JSON.parse(other.frames[0] ?? '') as { error: { name: string } }).error.name, name);
      assert.equal((await other.closed).code, 1000);
      await new Promise((done) => setTimeout(done, 210));
    }
  });

  test('PING starts a status', async () => {
    client.socket.send('PING');
    await count(1);
    assert.equal(client.frames[0], '{"status":"UP"}');
  });

  test('a connection without traffic is cut; a ping keeps it', async () => {
    await sim.close();
    await begin({ limits: { idleMs: 150 } });
    const pinged = await connect(sim.wsUrl);
    const pinging = setInterval(() => pinged.socket.ping(), 40);
    assert.equal((await client.closed).code, 1006);
    assert.equal(pinged.socket.readyState, pinged.socket.OPEN);
    clearInterval(pinging);
    assert.equal((await pinged.closed).code, 1006);
  });

  test('connections are limited: five a second, one in ten seconds with an Origin', async () => {
    await sim.close();
    await begin({ connectsPerSecond: 3 });
    const browser = await connect(sim.wsUrl, { origin: 'https://x.example' });
    await assert.rejects(connect(sim.wsUrl, { origin: 'https://x.example' }), /429/);
    const third = await connect(sim.wsUrl);
    await assert.rejects(connect(sim.wsUrl), /429/);
    await assert.rejects(connect(`${sim.restUrl.replace('http', 'ws')}/other`), /404/);
    browser.close();
    third.close();
  });

  test('too many messages end the connection', async () => {
    for (let i = 0; i < 6; i++) ask({ type: 'trade', codes: ['KRW-NOPE'] });
    assert.equal((await client.closed).code, 1008);
  });

  test('the same seed gives the same markets, another one others', async () => {
    const [same, other] = await Promise.all(
      [1, 2].map((seed) => startUpbitSim({ symbols: ['KRW-BTC', 'KRW-ADA'], startAt: START, seed })),
    );
    for (const one of [sim, same, other]) one?.advance(30_000);
    assert.deepEqual(same?.sent('KRW-BTC'), sim.sent('KRW-BTC'));
    assert.notDeepEqual(other?.sent('KRW-BTC').trades, sim.sent('KRW-BTC').trades);
    await Promise.all([same?.close(), other?.close()]);
  });

  test('faults: stall, skip, duplicate, malform, skew, reset', async () => {
    const trades = () => frames().filter((f) => f.type === 'trade').length;
    ask({ type: 'trade', codes: ['KRW-BTC'], is_only_realtime: true });
    await settle();
    sim.faults.stall('trade:');
    sim.advance(20_000);
    await settle();
    assert.equal(trades(), 0);
    sim.faults.resume();
    sim.faults.skip('trade:KRW-BTC', 1);
    sim.faults.duplicate('trade:KRW-BTC', 1);
    sim.faults.clockSkew(-5_000);
    const before = sim.sent('KRW-BTC').trades.length;
    sim.advance(20_000);
    await settle();
    const happened = sim.sent('KRW-BTC').trades.slice(before);
    assert.equal(trades(), happened.length);
    assert.deepEqual(
      frames()
        .map((f) => f.trade_timestamp)
        .slice(0, 2),
      [happened[1], happened[1]].map((t) => (t?.time ?? 0) - 5_000),
    );
    sim.faults.malform('trade:', 'what?');
    sim.advance(20_000);
    await client.until((f) => f.includes('what?'));
    sim.faults.reset();
    assert.equal((await client.closed).code, 1006);
  });

  test('the control endpoint does the same from outside', async () => {
    await sim.close();
    await begin({ controlPort: 0 });
    const control = (path: string, ...args: unknown[]) =>
      fetch(sim.controlUrl + path, { method: 'POST', body: JSON.stringify(args) });
    assert.equal((await control('/sim/advance', 20_000)).status, 200);
    const sent = await (await fetch(`${sim.controlUrl}/sim/sent?symbol=KRW-BTC`)).json();
    assert.deepEqual(sent, sim.sent('KRW-BTC'));
    assert.equal((await control('/sim/faults/disconnect', 1011)).status, 200);
    assert.equal((await client.closed).code, 1011);
    assert.equal((await control('/sim/faults/nope')).status, 400);
  });

  test('real time goes on by itself', async () => {
    await sim.close();
    sim = await startUpbitSim({ symbols: ['KRW-BTC'], rate: 10 });
    const live = await connect(sim.wsUrl);
    live.socket.send(JSON.stringify([{ ticket: 'x' }, { type: 'orderbook', codes: ['KRW-BTC'] }]));
    await live.until((f) => f.length > 5);
    const { timestamp } = JSON.parse(live.frames.at(-1) ?? '') as Frame;
    assert.ok(Math.abs(Date.now() - timestamp) < 2_000);
    await eventually(() => sim.stats().framesSent > 5);
    live.close();
  });
});
