import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';
import { connect } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);

describe('control messages', () => {
  let sim: BinanceSim;
  before(async () => {
    sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, limits: { messagesPerSecond: 1_000 } });
  });
  after(() => sim.close());

  test('SUBSCRIBE, LIST_SUBSCRIPTIONS and UNSUBSCRIBE answer as documented', async () => {
    const client = await connect(`${sim.wsUrl}/ws`);
    const subscribe = { method: 'SUBSCRIBE', params: ['btcusdt@aggTrade', 'btcusdt@depth'], id: 1 };
    assert.deepEqual(await client.ask(subscribe), { result: null, id: 1 });
    assert.deepEqual(await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 3 }), {
      result: ['btcusdt@aggTrade', 'btcusdt@depth'],
      id: 3,
    });
    assert.deepEqual(await client.ask({ method: 'UNSUBSCRIBE', params: ['btcusdt@depth'], id: 312 }), {
      result: null,
      id: 312,
    });
    assert.deepEqual(await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 'abc-1' }), {
      result: ['btcusdt@aggTrade'],
      id: 'abc-1',
    });
    client.close();
  });

  test('streams of the URL are subscribed; subscriptions add up', async () => {
    const client = await connect(`${sim.wsUrl}/stream?streams=btcusdt@ticker/btcusdt@kline_1m`);
    await client.ask({ method: 'SUBSCRIBE', params: ['btcusdt@depth@100ms'], id: null });
    const { result, id } = await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: null });
    assert.deepEqual([result, id], [['btcusdt@ticker', 'btcusdt@kline_1m', 'btcusdt@depth@100ms'], null]);
    client.close();
  });

  test('combined is false on /ws and true on /stream, and can be set', async () => {
    const raw = await connect(`${sim.wsUrl}/ws/btcusdt@aggTrade`);
    const combined = await connect(`${sim.wsUrl}/stream?streams=btcusdt@aggTrade`);
    const get = { method: 'GET_PROPERTY', params: ['combined'], id: 2 };
    assert.deepEqual(await raw.ask(get), { result: false, id: 2 });
    assert.deepEqual(await combined.ask(get), { result: true, id: 2 });
    sim.advance(3_000);
    await raw.until((f) => f.length > 2);
    await combined.until((f) => f.length > 2);
    const trade = raw.frames.find((f) => f.startsWith('{"e":"aggTrade"')) as string;
    assert.ok(combined.frames.includes(`{"stream":"btcusdt@aggTrade","data":${trade}}`));
    assert.deepEqual(await raw.ask({ method: 'SET_PROPERTY', params: ['combined', true], id: 5 }), {
      result: null,
      id: 5,
    });
    sim.advance(3_000);
    await raw.until((f) => f.at(-1)?.startsWith('{"stream":"btcusdt@aggTrade","data":') === true);
    raw.close();
    combined.close();
  });

  const expected =
    'expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 20';
  const errors: [name: string, message: unknown, code: number, msg: string][] = [
    ['unknown property', { method: 'GET_PROPERTY', params: ['x'], id: 1 }, 0, 'Unknown property'],
    ['unknown property set', { method: 'SET_PROPERTY', params: ['x', true], id: 1 }, 0, 'Unknown property'],
    [
      'no Boolean',
      { method: 'SET_PROPERTY', params: ['combined', 1], id: 1 },
      1,
      'Invalid value type: expected Boolean',
    ],
    [
      'no property',
      { method: 'GET_PROPERTY', params: [], id: 1 },
      2,
      'Invalid request: property name must be a string',
    ],
    [
      'property no text',
      { method: 'SET_PROPERTY', params: [1, true], id: 1 },
      2,
      'Invalid request: property name must be a string',
    ],
    ['no id', { method: 'LIST_SUBSCRIPTIONS' }, 2, 'Invalid request: request ID must be an unsigned integer'],
    [
      'long id',
      { method: 'LIST_SUBSCRIPTIONS', id: 'x'.repeat(37) },
      2,
      'Invalid request: request ID must be an unsigned integer',
    ],
    ['unknown method', '{"method":"SUBSCRIB","id":1}', 2, `Invalid request: unknown variant \`SUBSCRIB\`, ${expected}`],
    ['too many', { method: 'LIST_SUBSCRIPTIONS', params: ['x'], id: 1 }, 2, 'Invalid request: too many parameters'],
    ['no method', '{"id":1}', 2, 'Invalid request: missing field `method` at line 1 column 8'],
    ['no JSON', 'hello', 3, 'Invalid JSON: expected value at line 1 column 1'],
    ['no object', '[]', 2, 'Invalid request: missing field `method` at line 1 column 2'],
  ];
  for (const [name, message, code, msg] of errors) {
    test(`error: ${name}`, async () => {
      const client = await connect(`${sim.wsUrl}/ws`);
      const reply = await client.ask(message);
      assert.equal(reply.code, code);
      assert.equal(reply.msg, msg);
      // the connection lives on
      assert.deepEqual(await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 9 }), { result: [], id: 9 });
      client.close();
    });
  }

  test('unknown streams are silently quiet', async () => {
    const client = await connect(`${sim.wsUrl}/ws`);
    const params = ['nopeusdt@aggTrade', 'BTCUSDT@aggTrade', 'btcusdt@nothing'];
    assert.deepEqual(await client.ask({ method: 'SUBSCRIBE', params, id: 1 }), { result: null, id: 1 });
    sim.advance(5_000);
    await client.ask({ method: 'LIST_SUBSCRIPTIONS', id: 2 });
    assert.equal(client.frames.length, 2);
    client.close();
  });

  test('other paths are refused', async () => {
    await assert.rejects(connect(`${sim.wsUrl}/other`), /404/);
  });
});

describe('limits and heartbeat', () => {
  test('the sixth message within a second ends the connection', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START });
    const client = await connect(`${sim.wsUrl}/ws`);
    for (let i = 0; i < 6; i++) client.socket.send(JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: i }));
    assert.deepEqual(await client.closed, { code: 1008, reason: 'Too many requests' });
    assert.equal(client.frames.length, 5);
    await sim.close();
  });

  test('pings count as messages', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START });
    const client = await connect(`${sim.wsUrl}/ws`);
    for (let i = 0; i < 6; i++) client.socket.ping();
    assert.equal((await client.closed).code, 1008);
    await sim.close();
  });

  test('no more than 1024 streams a connection', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START });
    const client = await connect(`${sim.wsUrl}/ws`);
    const params = Array.from({ length: 1_024 }, (_, i) => `s${i}usdt@aggTrade`);
    assert.deepEqual(await client.ask({ method: 'SUBSCRIBE', params, id: 1 }), { result: null, id: 1 });
    client.socket.send(JSON.stringify({ method: 'SUBSCRIBE', params: ['one@more'], id: 2 }));
    assert.equal((await client.closed).code, 1008);
    await sim.close();
  });

  test('connection attempts are limited', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, connectionAttempts: 2 });
    await connect(`${sim.wsUrl}/ws`);
    await connect(`${sim.wsUrl}/ws`);
    await assert.rejects(connect(`${sim.wsUrl}/ws`), /429/);
    await sim.close();
  });

  test('a connection ends after its lifetime', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, limits: { lifetime: 30 } });
    const client = await connect(`${sim.wsUrl}/ws`);
    assert.equal((await client.closed).code, 1001);
    await sim.close();
  });

  test('who answers pings stays, who does not is cut off', async () => {
    const limits = { pingInterval: 30, pongTimeout: 150, messagesPerSecond: 1_000 };
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, limits });
    const mute = await connect(`${sim.wsUrl}/ws`, { autoPong: false });
    const good = await connect(`${sim.wsUrl}/ws`);
    let pings = 0;
    good.socket.on('ping', (payload) => {
      if (payload.length > 0) pings++;
    });
    // unsolicited pongs don't help
    const unsolicited = setInterval(() => mute.socket.pong(), 20);
    assert.deepEqual(await mute.closed, { code: 1008, reason: 'Pong timeout' });
    clearInterval(unsolicited);
    assert.ok(pings >= 3);
    assert.equal(good.socket.readyState, good.socket.OPEN);
    await sim.close();
  });
});
