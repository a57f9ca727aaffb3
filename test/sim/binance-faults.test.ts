import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { connect, eventually, type StreamClient } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);

describe('faults', () => {
  let sim: BinanceSim;
  let client: StreamClient;
  const depth = () => client.frames.filter((f) => f.includes('depthUpdate')).map((f) => JSON.parse(f) as Update);
  const settle = () => client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
  interface Update {
    U: number;
    u: number;
    E: number;
  }

  beforeEach(async () => {
    sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, controlPort: 0 });
    client = await connect(`${sim.wsUrl}/ws/btcusdt@depth@100ms`);
    await settle();
  });
  afterEach(async () => {
    client.close();
    await sim.close();
  });

  test('a stall is silent, yet control messages and pings are answered', async () => {
    sim.faults.stall();
    sim.advance(1_000);
    const pong = new Promise((done) => client.socket.once('pong', done));
    client.socket.ping();
    await pong;
    await settle();
    assert.equal(depth().length, 0);
    sim.faults.resume();
    sim.advance(1_000);
    await client.until(() => depth().length > 5);
    const record = sim.sent('BTCUSDT').depth;
    assert.equal(depth().at(-1)?.u, record.at(-1)?.u);
    assert.ok(record.length > depth().length);
  });

  test('a stall of one stream leaves the others', async () => {
    sim.faults.stall('@aggTrade');
    sim.advance(1_000);
    await client.until(() => depth().length > 5);
  });

  test('skip leaves a hole in the ids', async () => {
    sim.faults.skip('btcusdt@depth');
    sim.advance(2_000);
    await settle();
    const record = sim.sent('BTCUSDT').depth;
    assert.deepEqual(
      depth().map((d) => d.u),
      record.slice(1).map((d) => d.u),
    );
  });

  test('duplicate and reorder', async () => {
    sim.faults.duplicate('btcusdt@depth');
    sim.faults.reorder('btcusdt@depth');
    sim.advance(2_000);
    await settle();
    const [a, b, c, ...rest] = sim.sent('BTCUSDT').depth.map((d) => d.u);
    assert.deepEqual(
      depth().map((d) => d.u),
      [a, a, c, b, ...rest],
    );
  });

  test('a malformed frame comes on top', async () => {
    sim.faults.malform('btcusdt@depth');
    sim.faults.malform('btcusdt@depth', 'what?');
    sim.advance(500);
    await client.until((f) => f.includes('what?'));
    assert.throws(() => JSON.parse(client.frames[1] as string));
    const good = client.frames.filter((f) => f.startsWith('{"e":"depthUpdate"'));
    assert.equal(good.length, sim.sent('BTCUSDT').depth.length);
  });

  test('inject sends text as it is', async () => {
    sim.inject('\u0000nonsense', 'btcusdt@depth@100ms');
    await client.until((f) => f.includes('\u0000nonsense'));
  });

  test('a planned disconnect is announced', async () => {
    const combined = await connect(`${sim.wsUrl}/stream?streams=btcusdt@ticker`);
    await sim.faults.plannedDisconnect(20);
    assert.equal((await client.closed).code, 1001);
    await combined.closed;
    assert.equal(client.frames.at(-1), `{"e":"serverShutdown","E":${START}}`);
    assert.equal(combined.frames.at(-1), `{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":${START}}}`);
    (await connect(`${sim.wsUrl}/ws`)).close();
  });

  test('disconnect closes with the code', async () => {
    sim.faults.disconnect(1011);
    assert.equal((await client.closed).code, 1011);
  });

  test('reset breaks the connection', async () => {
    sim.faults.reset();
    assert.equal((await client.closed).code, 1006);
  });

  test('a half-open connection answers nothing and stays', async () => {
    sim.faults.halfOpen();
    sim.advance(1_000);
    let pongs = 0;
    client.socket.on('pong', () => pongs++);
    client.socket.ping();
    // what a new connection can do in the meantime shows that the time was long enough
    const other = await connect(`${sim.wsUrl}/ws`);
    await other.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    assert.deepEqual([pongs, depth().length, client.socket.readyState], [0, 0, client.socket.OPEN]);
    other.close();
  });

  test('connections are refused for a while', async () => {
    const refused = sim.faults.refuseConnections(100);
    await assert.rejects(connect(`${sim.wsUrl}/ws`), /ECONNREFUSED/);
    assert.equal(client.socket.readyState, client.socket.OPEN);
    await refused;
    (await connect(`${sim.wsUrl}/ws`)).close();
  });

  test('REST refusals on demand', async () => {
    sim.faults.refuseRest({ status: 429, count: 2, retryAfter: 7, path: '/depth' });
    const depthStatus = async () => {
      const response = await fetch(`${sim.restUrl}/api/v3/depth?symbol=BTCUSDT`);
      return [response.status, response.headers.get('retry-after')];
    };
    assert.equal((await fetch(`${sim.restUrl}/api/v3/ping`)).status, 200);
    assert.deepEqual(await depthStatus(), [429, '7']);
    assert.deepEqual(await depthStatus(), [429, '7']);
    assert.deepEqual(await depthStatus(), [200, null]);
    sim.faults.refuseRest({ status: 418, count: 1, retryAfter: 180 });
    assert.deepEqual(await depthStatus(), [418, '180']);
  });

  test('REST can hang', async () => {
    sim.faults.stallRest(60_000);
    const request = fetch(`${sim.restUrl}/api/v3/ping`, { signal: AbortSignal.timeout(50) });
    await assert.rejects(request, { name: 'TimeoutError' });
  });

  test('a skewed clock shifts event times and serverTime', async () => {
    sim.faults.clockSkew(-5_000);
    sim.advance(200);
    await client.until(() => depth().length > 0);
    assert.ok((depth()[0]?.E as number) <= START - 4_800);
    const { serverTime } = (await (await fetch(`${sim.restUrl}/api/v3/time`)).json()) as { serverTime: number };
    assert.equal(serverTime, START + 200 - 5_000);
  });

  test('the control endpoint does the same from outside', async () => {
    const control = (path: string, ...args: unknown[]) =>
      fetch(sim.controlUrl + path, { method: 'POST', body: JSON.stringify(args) });
    assert.equal((await control('/sim/faults/skip', 'btcusdt@depth', 1)).status, 200);
    assert.equal((await control('/sim/advance', 1_000)).status, 200);
    await eventually(() => depth().length > 5);
    const sent = await (await fetch(`${sim.controlUrl}/sim/sent?symbol=BTCUSDT`)).json();
    assert.deepEqual(sent, sim.sent('BTCUSDT'));
    assert.equal(depth()[0]?.u, sim.sent('BTCUSDT').depth[1]?.u);
    const about = (await (await fetch(`${sim.controlUrl}/sim`)).json()) as Record<string, unknown>;
    assert.equal(about.wsUrl, sim.wsUrl);
    assert.equal((await control('/sim/faults/constructor')).status, 400);
    assert.equal((await control('/other')).status, 400);
    assert.equal((await fetch(`${sim.controlUrl}/sim/sent?symbol=NOPE`)).status, 400);
    assert.equal((await control('/sim/inject', 'hello')).status, 200);
    await client.until((f) => f.includes('hello'));
  });
});

describe('the clock', () => {
  test('real time goes on by itself', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], rate: 20 });
    const client = await connect(`${sim.wsUrl}/ws/btcusdt@depth@100ms/btcusdt@aggTrade`);
    await client.until((f) => f.length > 20);
    const { E } = JSON.parse(client.frames.at(-1) as string) as { E: number };
    assert.ok(Math.abs(Date.now() - E) < 1_000);
    client.close();
    await sim.close();
  });

  test('a long suspension is on record but not told frame by frame', async () => {
    let now = START;
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], clock: () => now, pumpMs: 5 });
    const client = await connect(`${sim.wsUrl}/ws/btcusdt@aggTrade`);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 1 });
    now += 600_000;
    await eventually(() => sim.sent('BTCUSDT').until === now);
    now += 2_000;
    await eventually(() => sim.sent('BTCUSDT').until === now);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
    const { trades, candles } = sim.sent('BTCUSDT');
    assert.equal(candles.length, 10);
    for (let i = 1; i < trades.length; i++) assert.equal(trades[i]?.a, (trades[i - 1]?.a as number) + 1);
    const told = client.frames.filter((f) => f.includes('aggTrade"')).length;
    assert.ok(told > 0 && told < 50 && trades.length > 1_000);
    client.close();
    await sim.close();
  });
});
