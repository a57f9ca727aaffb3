import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KucoinSim, type KucoinSimOptions, startKucoinSim } from '../../sim/kucoin/server.ts';
import { connect, eventually, type StreamClient } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);

interface Bullet {
  token: string;
  instanceServers: { endpoint: string; pingInterval: number; pingTimeout: number; protocol: string }[];
}

async function bulletOf(sim: KucoinSim): Promise<Bullet> {
  const reply = await fetch(`${sim.restUrl}/api/v1/bullet-public`, { method: 'POST' });
  const { code, data } = (await reply.json()) as { code: string; data: Bullet };
  assert.equal(code, '200000');
  return data;
}

async function open(sim: KucoinSim, id = 'abc', token?: string): Promise<StreamClient> {
  const data = await bulletOf(sim);
  const [server] = data.instanceServers;
  return connect(`${server?.endpoint}?token=${encodeURIComponent(token ?? data.token)}&connectId=${id}`);
}

/** A connection that has been welcomed. */
async function welcomed(sim: KucoinSim): Promise<StreamClient> {
  const client = await open(sim);
  await client.until((frames) => frames.length > 0);
  return client;
}

/** Sends a message and resolves with the frame that answers it. */
async function say(client: StreamClient, message: object | string): Promise<Record<string, unknown>> {
  const from = client.frames.length;
  const isReply = (frame: string) => !frame.includes('"type":"message"');
  client.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  await client.until((frames) => frames.slice(from).some(isReply));
  return JSON.parse(client.frames.slice(from).find(isReply) as string) as Record<string, unknown>;
}

const subscribe = (topic: unknown, id: unknown = 1) => ({ id, type: 'subscribe', topic, response: true });

function simTest(name: string, options: KucoinSimOptions, body: (sim: KucoinSim) => Promise<void>): void {
  test(name, { timeout: 20_000 }, async () => {
    const sim = await startKucoinSim({ startAt: START, ...options });
    try {
      await body(sim);
    } finally {
      await sim.close();
    }
  });
}

describe('connections', () => {
  let sim: KucoinSim;
  before(async () => {
    sim = await startKucoinSim({ startAt: START, connects: { attempts: 1_000 } });
  });
  after(() => sim.close());

  test('a token opens one connection, which is welcomed under its own id', async () => {
    const { token, instanceServers } = await bulletOf(sim);
    assert.deepEqual(instanceServers, [
      { endpoint: `${sim.wsUrl}/`, encrypt: false, protocol: 'websocket', pingInterval: 18_000, pingTimeout: 10_000 },
    ]);
    assert.notEqual(token, (await bulletOf(sim)).token);
    const client = await open(sim, 'hQvf8jkno', token);
    await client.until((frames) => frames.length === 1);
    assert.deepEqual(client.frames, ['{"id":"hQvf8jkno","type":"welcome"}']);
    client.close();
    // used up
    const again = await open(sim, 'second', token);
    assert.deepEqual(await again.closed, { code: 1000, reason: 'Bye' });
    assert.deepEqual(again.frames, ['{"id":"second","type":"error","code":401,"data":"token is invalid"}']);
  });

  test('without a token, or with a wrong one, there is an error and the end', async () => {
    for (const query of ['', '?token=wrong', '?connectId=x']) {
      const client = await connect(`${sim.wsUrl}/${query}`);
      assert.equal((await client.closed).code, 1000);
      assert.match(client.frames[0] ?? '', /"code":401,"data":"token is invalid"/);
    }
  });

  test('ids come back as text; an ack only where one is wanted', async () => {
    const client = await welcomed(sim);
    assert.deepEqual(await say(client, subscribe('/market/match:BTC-USDT', 1545910660739)), {
      id: '1545910660739',
      type: 'ack',
    });
    assert.deepEqual(await say(client, { id: 7, type: 'ping' }), { id: '7', type: 'pong' });
    client.socket.send(JSON.stringify({ id: 8, type: 'subscribe', topic: '/market/match:ETH-USDT', response: false }));
    assert.deepEqual(await say(client, { id: '9', type: 'ping' }), { id: '9', type: 'pong' });
    client.close();
  });

  test('what is wrong with a message is said with its code', async () => {
    const client = await welcomed(sim);
    const refused = async (message: object | string) => {
      const { type, code, data } = await say(client, message);
      assert.equal(type, 'error');
      return `${code} ${data}`;
    };
    assert.equal(await refused('{"id":'), '415 command type is invalid');
    assert.equal(await refused({ id: 1, type: 'SUBSCRIBE' }), '415 command type is invalid');
    assert.equal(await refused({ id: 1, type: 'subscribe' }), '406 topic is required');
    assert.equal(await refused(subscribe('market/match')), '400 topic is invalid');
    assert.equal(await refused(subscribe('/market/match:XXX-USDT')), '404 topic /market/match:XXX-USDT is not found');
    assert.equal(await refused(subscribe('/market/match:btc-usdt')), '404 topic /market/match:btc-usdt is not found');
    assert.equal(
      await refused(subscribe('/market/candles:BTC-USDT')),
      '404 topic /market/candles:BTC-USDT is not found',
    );
    assert.match(await refused(subscribe('/market/candles:BTC-USDT_2min')), /^404/);
    assert.match(await refused(subscribe('/market/constructor:BTC-USDT')), /^404/);
    const locked = { ...subscribe('/market/match:BTC-USDT'), privateChannel: true };
    assert.equal(await refused(locked), '403 login is required');
    // one unknown market refuses the whole message
    assert.match(await refused(subscribe('/market/match:BTC-USDT,XXX-USDT')), /^404/);
    sim.advance(5_000);
    assert.ok(!client.frames.some((frame) => frame.includes('"type":"message"')));
    client.close();
  });

  test('subscriptions add up, and end one by one', async () => {
    const client = await welcomed(sim);
    await say(client, subscribe('/market/match:BTC-USDT,ETH-USDT'));
    await say(client, subscribe('/market/match:XRP-USDT'));
    await say(client, { id: 3, type: 'unsubscribe', topic: '/market/match:ETH-USDT', response: true });
    sim.advance(20_000);
    const seen = () => new Set(client.frames.flatMap((frame) => /"topic":"([^"]+)"/.exec(frame)?.[1] ?? []));
    await eventually(() => seen().size === 2);
    assert.deepEqual([...seen()].sort(), ['/market/match:BTC-USDT', '/market/match:XRP-USDT']);
    client.close();
  });
});

simTest('messages before the welcome are lost', { limits: { welcomeMs: 200 } }, async (sim) => {
  const client = await open(sim);
  client.socket.send(JSON.stringify({ id: 1, type: 'ping' }));
  await client.until((frames) => frames.length > 0);
  assert.deepEqual(await say(client, { id: 2, type: 'ping' }), { id: '2', type: 'pong' });
  assert.equal(client.frames.length, 2);
  client.close();
});

simTest(
  'a client that says nothing is told so and cut off',
  { limits: { pingInterval: 100, pingTimeout: 50 } },
  async (sim) => {
    const client = await welcomed(sim);
    for (let n = 0; n < 4; n++) {
      await new Promise((done) => setTimeout(done, 60));
      await say(client, { id: n, type: 'ping' });
    }
    assert.deepEqual(await client.closed, { code: 1000, reason: 'Bye' });
    assert.equal(client.frames.at(-1), '{"type":"error","code":400,"data":"ping timeout"}');
  },
);

simTest(
  'limits of messages, topics and connections',
  {
    limits: { messagesPer10s: 4, topicsPerMessage: 2, topics: 3 },
    connects: { attempts: 3, connections: 2 },
  },
  async (sim) => {
    const client = await welcomed(sim);
    const all = (topic: string) => `/market/${topic}:BTC-USDT,ETH-USDT`;
    assert.equal(
      (await say(client, subscribe(`${all('match')},XRP-USDT`))).data,
      'exceed max subscription count limitation of 2 per time',
    );
    assert.equal((await say(client, subscribe(all('match')))).type, 'ack');
    assert.equal(
      (await say(client, subscribe(all('level2')))).data,
      'exceed max subscription count limitation of 3 per session',
    );
    // the same ones again are no more
    assert.equal((await say(client, subscribe(all('match')))).type, 'ack');
    const second = await welcomed(sim);
    client.socket.send('{"id":1,"type":"ping"}');
    assert.deepEqual(await client.closed, { code: 1000, reason: 'Bye' });
    assert.match(client.frames.at(-1) ?? '', /"code":509,"data":"exceed max permits per 10 seconds"/);
    await eventually(() => sim.stats().connections === 1);
    const third = await welcomed(sim);
    await assert.rejects(open(sim), /429/);
    for (const one of [second, third]) one.close();
  },
);

describe('faults', () => {
  simTest('frames are skipped, repeated, exchanged, broken and swallowed on demand', {}, async (sim) => {
    const client = await welcomed(sim);
    await say(client, subscribe('/market/level2:BTC-USDT'));
    const topic = '/market/level2:BTC-USDT';
    sim.faults.skip(topic, 1);
    sim.faults.duplicate(topic, 1);
    sim.faults.malform(topic, 'broken');
    sim.faults.reorder(topic, 1);
    sim.advance(1_000);
    const sent = sim.sent('BTC-USDT').updates.map(({ sequenceStart }) => sequenceStart);
    await client.until((frames) => frames.some((frame) => frame.includes(`"sequenceStart":${sent.at(-1)},`)));
    const got = client.frames.slice(2).map((frame) => Number(/"sequenceStart":([0-9]+)/.exec(frame)?.[1]));
    const [, b = 0, c = 0, d = 0, e = 0, ...others] = sent;
    assert.deepEqual(got, [b, b, Number.NaN, c, e, d, ...others]);
    sim.faults.stall(topic);
    const count = client.frames.length;
    sim.advance(500);
    assert.equal((await say(client, { id: 1, type: 'ping' })).type, 'pong');
    assert.equal(client.frames.length, count + 1);
    client.close();
  });

  simTest('connections are ended in every way', { connects: { attempts: 100 } }, async (sim) => {
    const [first, second] = [await welcomed(sim), await welcomed(sim)];
    sim.faults.refuseSessions();
    assert.deepEqual(await first.closed, { code: 1000, reason: 'Bye' });
    assert.match(second.frames.at(-1) ?? '', /"code":509,"data":"service busy, please retry later"/);
    const third = await welcomed(sim);
    sim.faults.disconnect(1012);
    assert.equal((await third.closed).code, 1012);
    const fourth = await welcomed(sim);
    sim.faults.reset();
    assert.equal((await fourth.closed).code, 1006);
    const away = sim.faults.refuseConnections(100);
    await assert.rejects(welcomed(sim));
    await away;
    (await welcomed(sim)).close();
  });

  simTest('the control endpoint offers them by name', { controlPort: 0 }, async (sim) => {
    const { symbols, now } = (await (await fetch(`${sim.controlUrl}/sim`)).json()) as {
      symbols: string[];
      now: number;
    };
    assert.deepEqual([symbols.length, now], [6, START]);
    await fetch(`${sim.controlUrl}/sim/advance`, { method: 'POST', body: '[1000]' });
    assert.equal(sim.now(), START + 1_000);
    const refusal = JSON.stringify([{ count: 1, status: 503, code: '503000' }]);
    await fetch(`${sim.controlUrl}/sim/faults/refuseRest`, { method: 'POST', body: refusal });
    assert.equal((await fetch(`${sim.restUrl}/api/v1/timestamp`)).status, 503);
  });
});
