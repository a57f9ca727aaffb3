import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BadFrame } from '../../../ingestion/exchanges/connector.ts';
import { kucoin } from '../../../ingestion/exchanges/kucoin.ts';
import type { MarketInfo } from '../../../schema/market.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { RestFailed, type RestReply } from '../../../src/platform/exchange/rest.ts';
import { readCapture, readCaptureMeta } from '../../support/fixtures.ts';
import { seeded } from '../../support/seeded.ts';
import { mutate } from './mutate.ts';

const RECEIVED = 1_800_000_000_000;
const btc = kucoin.assume('BTC-USDT');
const lines = (capture: string): string[] => readCapture(capture).map(({ line }) => line);
const rest = lines('kucoin.rest.docs_examples.sdk').map((line) => Buffer.from(line));
const book = kucoin.book.kind === 'sequenced' ? kucoin.book : assert.fail();
const { klineHistory, tradeHistory } = kucoin;
assert.ok(klineHistory && tradeHistory);

function reasonOf(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    assert.ok(error instanceof BadFrame, String(error));
    return error.message;
  }
}

describe('traps', () => {
  test('REST lists: candles newest first, trades oldest first; trades of one millisecond keep their order', () => {
    const klines = klineHistory.parse(rest[4] ?? assert.fail(), btc, RECEIVED);
    assert.deepEqual(
      klines.map(({ openTime, close, isClosed }) => [openTime / 1_000, close, isClosed]),
      [
        [1_566_789_720, '10401.9', true],
        [1_566_789_660, '10411.5', true],
        [1_566_789_600, '10416', true],
      ],
    );
    for (const kline of klines) TOPICS.kline1m.parse(TOPICS.kline1m.encode(kline));
    const trades = tradeHistory.parse(rest[3] ?? assert.fail(), btc, RECEIVED);
    assert.deepEqual(
      trades.map(({ tradeId, eventTime }) => [tradeId, eventTime]),
      [
        ['10976028003549191', 1_729_177_117_877],
        ['10976028003549188', 1_729_177_117_877],
        ['10976028003549185', 1_729_177_117_877],
      ],
    );
  });

  test('errors with HTTP 200 are refusals, a limit among them a pause', () => {
    const refusal = (body: string) => kucoin.refusal?.(Buffer.from(body));
    assert.deepEqual(refusal('{"code":"400100","msg":"symbol: must not be blank"}'), {
      reason: '400100 symbol: must not be blank',
      retryAfterMs: null,
    });
    assert.deepEqual(refusal('{"msg":"Too many requests","code":"429000"}'), {
      reason: '429000 Too many requests',
      retryAfterMs: 10_000,
    });
    for (const body of rest) assert.equal(kucoin.refusal?.(body), null);
    // what is no answer at all is for the reader of the body
    assert.equal(refusal('<html>'), null);
    assert.equal(
      reasonOf(() => klineHistory.parse(Buffer.from('{"code":"200003","data":[]}'), btc, RECEIVED)),
      'code 200003',
    );
    assert.equal(
      reasonOf(() => klineHistory.parse(Buffer.from('<html>'), btc, RECEIVED)),
      'not JSON',
    );
  });

  test('a renamed coin keeps its old name in the native spelling alone', () => {
    const listed = kucoin.markets.parse(Buffer.from(lines('kucoin.rest.symbols_trimmed.20210425')[0] ?? ''));
    assert.deepEqual(
      listed.find(({ nativeSymbol }) => nativeSymbol === 'BCHSV-USDT'),
      {
        ...{ exchange: 'KUCOIN', symbol: 'BSV-USDT', nativeSymbol: 'BCHSV-USDT', base: 'BSV', quote: 'USDT' },
        ...{ status: 'TRADING', tickSize: '0.001', lotSize: '0.00000001', takerFeePercent: '0.1' },
      },
    );
  });
});

describe('captured bodies', () => {
  const NOT_ASKED = 'not asked for';
  const readers: Record<string, (body: Buffer) => unknown> = {
    'GET /api/v1/market/histories': (body) => tradeHistory.parse(body, btc, RECEIVED),
    'GET /api/v1/market/candles': (body) => klineHistory.parse(body, btc, RECEIVED),
    'GET /api/v1/market/orderbook/level2_{size}': (body) => book.parse(body, btc, RECEIVED),
    'GET /api/v3/market/orderbook/level2': (body) => book.parse(body, btc, RECEIVED),
    // one market is not the list
    'GET /api/v2/symbols/{symbol}': (body) => kucoin.markets.parse(body),
  };
  const expected: Record<string, string> = {
    'GET /api/v2/symbols/{symbol}': 'data: not a list',
    'GET /api/v1/market/orderbook/level1': NOT_ASKED,
    'GET /api/v1/market/allTickers': NOT_ASKED,
    'GET /api/v1/market/stats': NOT_ASKED,
    'GET /api/v1/timestamp': NOT_ASKED,
    'GET /api/v1/status': NOT_ASKED,
    // the session's, see below
    'POST /api/v1/bullet-public': NOT_ASKED,
  };

  test('every published example is read, or refused with the reason named here', () => {
    for (const [i, [path = '']] of readCaptureMeta('kucoin.rest.docs_examples.sdk').entries()) {
      const reader = readers[path];
      const reason = reader ? reasonOf(() => reader(rest[i] ?? assert.fail())) : NOT_ASKED;
      assert.equal(reason, expected[path] ?? '', path);
    }
  });

  test('a book snapshot keeps its sequence and its own time', () => {
    const { bids, asks, ...others } = book.parse(rest[5] ?? assert.fail(), btc, RECEIVED);
    assert.deepEqual(others, {
      ...{ exchange: 'KUCOIN', symbol: 'BTC-USDT', eventTime: 1_729_176_273_859, receivedAt: RECEIVED },
      ...{ type: 'snapshot', sequence: '14610502970', previousSequence: null, integrity: 'SEQUENCED' },
    });
    assert.deepEqual(
      [bids[0], asks.at(-1)],
      [
        ['66976.4', '0.69109872'],
        ['66976.8', '0.0005'],
      ],
    );
  });

  test('mutated bodies give rows or BadFrame', () => {
    const random = seeded(11);
    for (const [i, [path = '']] of readCaptureMeta('kucoin.rest.docs_examples.sdk').entries()) {
      const reader = readers[path];
      for (let n = 0; reader && n < 500; n++) {
        const body = mutate((rest[i] as Buffer).toString(), random);
        reasonOf(() => reader(body));
        kucoin.refusal?.(body);
      }
    }
  });
});

describe('sessions', () => {
  const reply = (body: string): RestReply => ({ body: Buffer.from(body), callId: 'x', callTs: 1, receivedAt: 1 });
  const bullet = (data: object): string => JSON.stringify({ code: '200000', data });
  const server = { endpoint: 'wss://ws-api-spot.kucoin.com/', pingInterval: 18_000, pingTimeout: 10_000 };
  const open = (ws: string, body: string) => kucoin.session(ws, async () => reply(body));

  test('a token is asked for, escaped, and good for one connection under its own id', async () => {
    const asked: unknown[] = [];
    const call = async (request: unknown) => {
      asked.push(request);
      return reply(bullet({ token: 'a+b/c==.d&e', instanceServers: [server] }));
    };
    const first = await kucoin.session(kucoin.endpoints.ws, call);
    const second = await kucoin.session(kucoin.endpoints.ws, call);
    assert.deepEqual(asked[0], { method: 'POST', path: '/api/v1/bullet-public', weight: 10 });
    assert.equal(asked.length, 2);
    const url = new URL(first.url);
    assert.equal(url.origin + url.pathname, 'wss://ws-api-spot.kucoin.com/');
    assert.equal(url.searchParams.get('token'), 'a+b/c==.d&e');
    assert.notEqual(url.searchParams.get('connectId'), new URL(second.url).searchParams.get('connectId'));
    assert.equal(first.pingMs, 18_000);
  });

  test('the host comes with the token, unless another one is set', async () => {
    const told = { ...server, endpoint: 'wss://push1-v2.kucoin.com/endpoint' };
    const body = bullet({ token: 't', instanceServers: [told] });
    assert.ok((await open(kucoin.endpoints.ws, body)).url.startsWith('wss://push1-v2.kucoin.com/endpoint?token=t&'));
    assert.ok((await open('ws://127.0.0.1:9', body)).url.startsWith('ws://127.0.0.1:9/endpoint?token=t&'));
  });

  test('the ping interval is the one the server tells, within reason', async () => {
    const pingMs = async (pingInterval: number) =>
      (await open(kucoin.endpoints.ws, bullet({ token: 't', instanceServers: [{ ...server, pingInterval }] }))).pingMs;
    assert.deepEqual([await pingMs(0), await pingMs(5_000), await pingMs(9_000_000)], [500, 5_000, 30_000]);
    const plan = kucoin.connect({ url: 'wss://x', pingMs: 5_000 }, [btc]);
    assert.equal(plan.ping?.everyMs, 5_000);
    assert.deepEqual(JSON.parse(plan.ping?.message(7) ?? ''), { id: 'ping-7', type: 'ping' });
  });

  test('a refused token says why and how long to wait; a damaged answer is BadFrame', async () => {
    const limited = open(kucoin.endpoints.ws, '{"code":"429000","msg":"Too many requests"}');
    await assert.rejects(
      limited,
      (error) => error instanceof RestFailed && error.retryable && error.retryAfterMs === 10_000,
    );
    const region = open(kucoin.endpoints.ws, '{"code":"400302","msg":"unavailable in your region"}');
    await assert.rejects(
      region,
      (error) => error instanceof RestFailed && !error.retryable && /400302/.test(error.message),
    );
    for (const data of [{}, { token: 't' }, { token: 't', instanceServers: [] }, { instanceServers: [server] }]) {
      await assert.rejects(open(kucoin.endpoints.ws, bullet(data)), { name: 'BadFrame' });
    }
    await assert.rejects(open(kucoin.endpoints.ws, 'null'), { name: 'BadFrame' });
  });
});

test('one message a topic subscribes a full connection, within what is allowed', () => {
  const markets: MarketInfo[] = Array.from({ length: kucoin.limits.marketsPerConnection }, (_, i) =>
    kucoin.assume(`C${i}-USDT`),
  );
  const plan = kucoin.connect({ url: 'wss://x?token=t' }, markets);
  const sent = plan.messages.map((text) => JSON.parse(text) as { id: number; type: string; topic: string });
  assert.deepEqual([plan.url, plan.awaitWelcome, plan.acks], ['wss://x?token=t', true, 4]);
  const topics = sent.map(({ topic }) => topic.split(':') as [string, string]);
  assert.deepEqual(
    topics.map(([name]) => name),
    ['/market/candles', '/market/match', '/market/level2', '/market/snapshot'],
  );
  for (const [name, list] of topics) {
    assert.equal(list.split(',').length, markets.length);
    assert.ok(list.startsWith(name === '/market/candles' ? 'C0-USDT_1min,' : 'C0-USDT,'));
  }
  assert.ok(markets.length <= 100 && 4 * markets.length <= 300);
  // as a recorded client spelled it
  const recorded = JSON.parse(lines('kucoin.ws.client_sent.20210425')[0] ?? '') as object;
  assert.deepEqual(Object.keys(sent[0] ?? {}), Object.keys(recorded));
});

test('requests name what is wanted', () => {
  assert.equal(
    klineHistory.request(btc, 1_729_839_600_000, 1_729_839_600_000 + 1_500 * 60_000).path,
    '/api/v1/market/candles?symbol=BTC-USDT&type=1min&startAt=1729839600&endAt=1729929599',
  );
  assert.equal(book.snapshot(btc).path, '/api/v1/market/orderbook/level2_100?symbol=BTC-USDT');
  if (tradeHistory.direction !== 'backward') return assert.fail();
  const reach = { since: 0, now: 0, empty: 0 };
  assert.equal(tradeHistory.request(btc, null, reach)?.path, '/api/v1/market/histories?symbol=BTC-USDT');
  const [oldest] = tradeHistory.parse(rest[3] ?? assert.fail(), btc, RECEIVED);
  // there is nothing behind the newest hundred
  assert.equal(tradeHistory.request(btc, oldest ?? null, reach), null);
});

test('the list of markets tells status, increments and the fee of each', () => {
  const row = JSON.parse((rest[0] as Buffer).toString()) as { data: Record<string, unknown> };
  const listed = (change: object): MarketInfo | undefined =>
    kucoin.markets.parse(Buffer.from(JSON.stringify({ code: '200000', data: [{ ...row.data, ...change }] })))[0];
  assert.deepEqual(listed({}), {
    ...{ exchange: 'KUCOIN', symbol: 'BTC-USDT', nativeSymbol: 'BTC-USDT', base: 'BTC', quote: 'USDT' },
    ...{ status: 'TRADING', tickSize: '0.1', lotSize: '0.00000001', takerFeePercent: '0.1' },
  });
  assert.equal(listed({ enableTrading: false })?.status, 'HALTED');
  assert.equal(listed({ enableTrading: null })?.status, 'UNKNOWN');
  assert.equal(listed({ takerFeeCoefficient: '3.00' })?.takerFeePercent, '0.3');
  assert.equal(listed({ priceIncrement: null })?.tickSize, null);
  assert.equal(listed({ name: 'b-c', symbol: 'b-c' }), undefined);
});
