import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHealthServer } from '../../../src/platform/health.ts';
import { CANARY, startTestApi, testPlatform } from './http/fixture.ts';

const answers = { ping: async () => {} };
const status = (lastEventAt: number | null) => ({ 'BTC-USDT:kline': JSON.stringify({ lastEventAt }) });
const live = (fields: object, latest: unknown[] = []) => ({
  live: { ...answers, fields: async () => fields, latest: async () => latest },
});

/** What /readyz says with these stores. */
async function readiness(stores: object, env: NodeJS.ProcessEnv = {}): Promise<{ status: number; body: unknown }> {
  const api = await startTestApi({ MARKETS: 'binance:BTC-USDT', ...env }, { stores });
  try {
    const response = await fetch(`${api.url}/readyz`);
    return { status: response.status, body: await response.json() };
  } finally {
    await api.stop();
  }
}

describe('/readyz', () => {
  test('not ready, and why, until the feeds have data', async () => {
    const reasons = { 'feed:binance': 'no data yet' };
    assert.deepEqual(await readiness({}), { status: 503, body: { ready: false, reasons } });
    assert.deepEqual(await readiness(live(status(null))), { status: 503, body: { ready: false, reasons } });
    const ready = { status: 200, body: { ready: true, reasons: {} } };
    assert.deepEqual(await readiness(live(status(1))), ready);
    assert.deepEqual(await readiness(live({}, [null, { value: '{}' }])), ready);
  });

  test('each exchange that is followed counts', async () => {
    const { body } = await readiness({}, { MARKETS: 'binance:BTC-USDT,upbit:*' });
    const reasons = { 'feed:binance': 'no data yet', 'feed:upbit': 'no data yet' };
    assert.deepEqual(body, { ready: false, reasons });
  });

  test('a store that fails or does not answer is named, without its address', async () => {
    const stores = {
      ...live(status(1)),
      postgres: {
        ping: async () => {
          throw new Error(CANARY);
        },
      },
      broker: { ping: () => new Promise(() => {}) },
    };
    const { status: code, body } = await readiness(stores, { STORE_TIMEOUT_MS: '100' });
    assert.equal(code, 503);
    assert.deepEqual(body, { ready: false, reasons: { postgres: 'Error', broker: 'no answer within 100 ms' } });
  });

  test('many who ask cost one check', async () => {
    let pings = 0;
    const counted = { ping: async () => void pings++ };
    const api = await startTestApi({}, { stores: { postgres: counted } });
    try {
      await Promise.all(Array.from({ length: 20 }, () => fetch(`${api.url}/readyz`)));
      assert.equal(pings, 1);
    } finally {
      await api.stop();
    }
  });
});

test('roles without an API have health, readiness by their stores alone, and metrics', async () => {
  const health = await startHealthServer(testPlatform({}));
  try {
    assert.deepEqual(await (await fetch(`${health.url}/healthz`)).json(), { status: 'ok' });
    assert.equal((await fetch(`${health.url}/readyz`)).status, 200);
    const metrics = await fetch(`${health.url}/metrics`);
    assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/);
    const text = await metrics.text();
    assert.match(text, /^tickgraph_event_loop_delay_p99_seconds [0-9.e-]+$/m);
    assert.match(text, /^# TYPE tickgraph_sockets gauge$/m);
    assert.equal((await fetch(`${health.url}/graphql`)).status, 404);
  } finally {
    await health.stop();
  }
  await assert.rejects(fetch(`${health.url}/healthz`));
});
