import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBinanceSim } from '../../sim/binance/server.ts';
import { startUpbitSim } from '../../sim/upbit/server.ts';
import { double, plain, pointed, scaled } from '../../sim/upbit-protocol/numbers.ts';
import type { UpbitProtocolSim } from '../../sim/upbit-protocol/server.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);

interface Candle {
  candle_date_time_utc: string;
  opening_price: number;
  high_price: number;
  low_price: number;
  trade_price: number;
  candle_acc_trade_volume: number;
}

describe('the REST of a simulated Upbit', () => {
  let sim: UpbitProtocolSim;
  before(async () => {
    sim = await startUpbitSim({ symbols: ['KRW-BTC', 'KRW-ADA'], startAt: START, requestsPerSecond: 1_000 });
    sim.advance(600_000);
  });
  after(() => sim.close());

  const get = async <T>(path: string): Promise<{ status: number; body: T; text: string }> => {
    const response = await fetch(sim.restUrl + path);
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as T, text };
  };
  const candles = async (query: string) => (await get<Candle[]>(`/v1/candles/minutes/1?${query}`)).body;
  const minute = (c: Candle | undefined) => c?.candle_date_time_utc.slice(11, 16);

  test('candles: newest first, `to` exclusive, in UTC unless it names a zone', async () => {
    const all = await candles('market=KRW-BTC&count=3');
    assert.deepEqual(all.map(minute), ['12:10', '12:09', '12:08']);
    const at = 'market=KRW-BTC&count=1&to=';
    assert.equal(minute((await candles(`${at}2026-01-05T12:05:00Z`))[0]), '12:04');
    assert.equal(minute((await candles(`${at}2026-01-05%2012:05:00`))[0]), '12:04');
    assert.equal(minute((await candles(`${at}2026-01-05T21:05:00%2B09:00`))[0]), '12:04');
    assert.equal((await candles('market=KRW-BTC&count=200')).length, 200);
  });

  test('candles are what the trades make of them; a minute without trades has none', async () => {
    for (const symbol of ['KRW-BTC', 'KRW-ADA']) {
      const { candles: sent } = sim.sent(symbol);
      const rest = await candles(`market=${symbol}&count=${sent.length}&to=2026-01-05T12:10:00Z`);
      // the record begins within the first minute's candle
      assert.deepEqual(
        rest
          .reverse()
          .slice(1)
          .map((c) => [
            Date.parse(`${c.candle_date_time_utc}Z`),
            c.opening_price,
            c.high_price,
            c.low_price,
            c.trade_price,
            c.candle_acc_trade_volume,
          ]),
        sent
          .slice(1)
          .map((c) => [c.openTime, Number(c.open), Number(c.high), Number(c.low), Number(c.close), Number(c.volume)]),
      );
    }
    assert.ok(sim.sent('KRW-ADA').candles.length < 10);
    const hours = (await get<Candle[]>('/v1/candles/minutes/60?market=KRW-ADA&count=2')).body;
    assert.deepEqual(hours.map(minute), ['12:00', '11:00']);
  });

  test('trades: newest first, pages by cursor, days before by days_ago', async () => {
    const { trades } = sim.sent('KRW-BTC');
    const ids = async (query: string) =>
      [...(await get(`/v1/trades/ticks?market=KRW-BTC&${query}`)).text.matchAll(/"sequential_id":(\d+)/g)].map(
        (m) => m[1],
      );
    const expected = trades.map((t) => t.restId).reverse();
    assert.deepEqual(await ids('count=50'), expected.slice(0, 50));
    assert.deepEqual(await ids(`count=50&cursor=${expected[49]}`), expected.slice(50, 100));
    assert.equal((await ids('')).length, 1);
    const { body } = await get<{ trade_date_utc: string; trade_time_utc: string }[]>(
      '/v1/trades/ticks?market=KRW-BTC&days_ago=1&count=2&to=00:01:00',
    );
    assert.equal(body[0]?.trade_date_utc, '2026-01-04');
    assert.ok((body[0]?.trade_time_utc ?? '') < '00:01:00');
  });

  test('tickers, books and lists', async () => {
    const [ticker] = (await get<Record<string, number>[]>('/v1/ticker?markets=KRW-BTC,KRW-ADA')).body;
    assert.equal(ticker?.trade_price, Number(sim.sent('KRW-BTC').trades.at(-1)?.price));
    assert.ok((ticker?.acc_trade_volume_24h ?? 0) > (ticker?.acc_trade_volume ?? 0));
    assert.equal((await get<unknown[]>('/v1/ticker/all?quote_currencies=KRW')).body.length, 2);
    const [book] = (await get<{ orderbook_units: Record<string, number>[] }[]>('/v1/orderbook?markets=KRW-BTC&count=5'))
      .body;
    assert.equal(book?.orderbook_units.length, 5);
    assert.ok((book?.orderbook_units[0]?.ask_price ?? 0) > (book?.orderbook_units[0]?.bid_price ?? 0));
    const [instrument] = (await get<Record<string, string>[]>('/v1/orderbook/instruments?markets=KRW-BTC')).body;
    assert.equal(instrument?.tick_size, '1000');
    const { body } = await get<{ market: string; market_event?: unknown }[]>('/v1/market/all?is_details=true');
    assert.deepEqual(
      body.map((m) => [m.market, m.market_event !== undefined]),
      [
        ['KRW-BTC', true],
        ['KRW-ADA', true],
      ],
    );
  });

  test('errors have their status and number', async () => {
    for (const [path, status, name] of [
      ['/v1/ticker?markets=KRW-BTC,KRW-NOPE', 404, 404],
      ['/v1/candles/minutes/1?count=1', 400, 400],
      ['/v1/candles/minutes/1?market=KRW-BTC&to=yesterday', 400, 400],
      ['/v1/candles/minutes/2?market=KRW-BTC', 404, 'not_found'],
      ['/v1/nope', 404, 'not_found'],
    ] as const) {
      const { status: got, body } = await get<{ error: { name: unknown } }>(path);
      assert.deepEqual([got, body.error.name], [status, name], path);
    }
  });

  test('ten requests a second and group, then 429, then 418; and either on demand', async () => {
    const limited = await startUpbitSim({ symbols: ['KRW-ADA'], startAt: START });
    const status = async (path: string) => {
      const response = await fetch(limited.restUrl + path);
      await response.text();
      return [response.status, response.headers.get('remaining-req'), response.headers.get('retry-after')];
    };
    assert.deepEqual(await status('/v1/market/all'), [200, 'group=market; min=600; sec=9', null]);
    const burst = await Promise.all(Array.from({ length: 60 }, () => status('/v1/orderbook?markets=KRW-ADA')));
    assert.equal(burst.filter(([code]) => code === 200).length, 10);
    assert.ok(burst.some(([code]) => code === 429) && burst.some(([code]) => code === 418));
    await limited.close();
    sim.faults.refuseRest({ status: 429, count: 1, retryAfter: 7, path: '/ticker' });
    const refused = await fetch(`${sim.restUrl}/v1/ticker?markets=KRW-ADA`);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '7']);
    assert.equal((await get('/v1/ticker?markets=KRW-ADA')).status, 200);
  });

  test('a price in KRW is the price in USDT on Binance times a rate near 1,350', async () => {
    const all = await startUpbitSim({ startAt: START });
    const binance = await startBinanceSim({ symbols: ['BTCUSDT', 'XRPUSDT'], startAt: START });
    all.advance(60_000);
    binance.advance(60_000);
    const last = (symbol: string) => Number(all.sent(symbol).trades.at(-1)?.price);
    const rate = last('KRW-USDT');
    assert.ok(rate > 1_200 && rate < 1_500, String(rate));
    for (const base of ['BTC', 'XRP']) {
      const usdt = Number(binance.sent(`${base}USDT`).trades.at(-1)?.p);
      const premium = last(`KRW-${base}`) / (usdt * rate) - 1;
      assert.ok(Math.abs(premium) < 0.03, `${base} ${premium}`);
    }
    await Promise.all([all.close(), binance.close()]);
  });
});

test('the spellings of numbers', () => {
  assert.deepEqual(
    [plain(116539, -3), plain(7772, 7), plain(0, 8), plain(-50, 1), plain(1_000_000, 8)],
    ['116539000', '0.0007772', '0', '-5', '0.01'],
  );
  assert.deepEqual(
    [double(116539, -3), double(7772, 7), double(22, 8), double(1, -7), double(168, 0), double(0, 8), double(-234, -3)],
    ['1.16539E8', '7.772E-4', '2.2E-7', '1.0E7', '168.0', '0.0', '-234000.0'],
  );
  assert.deepEqual(
    [pointed(5, 0), pointed(55, 1), scaled(7772, 7), scaled(91154, -3)],
    ['5.0', '5.5', '0.00077720', '91154000.00000000'],
  );
});
