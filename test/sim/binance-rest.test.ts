import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BinanceSim, startBinanceSim } from '../../sim/binance/server.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);
const MINUTE = 60_000;

type Row = (string | number)[];

describe('REST', () => {
  let sim: BinanceSim;
  before(async () => {
    sim = await startBinanceSim({ symbols: ['BTCUSDT', 'ETHUSDT'], startAt: START, clock: () => START });
  });
  after(() => sim.close());

  const get = (path: string) => fetch(sim.restUrl + path);
  const json = async <T>(path: string) => (await (await get(path)).json()) as T;

  test('ping, time, exchangeInfo', async () => {
    assert.equal(await (await get('/api/v3/ping')).text(), '{}');
    assert.deepEqual(await json('/api/v3/time'), { serverTime: START });
    const all = await json<{ symbols: { symbol: string; filters: { filterType: string }[] }[] }>(
      '/api/v3/exchangeInfo',
    );
    assert.deepEqual(
      all.symbols.map((s) => s.symbol),
      ['BTCUSDT', 'ETHUSDT'],
    );
    const one = await json<typeof all>('/api/v3/exchangeInfo?symbols=%5B%22ETHUSDT%22%5D');
    assert.equal(one.symbols[0]?.symbol, 'ETHUSDT');
    const price = one.symbols[0]?.filters.find((f) => f.filterType === 'PRICE_FILTER');
    assert.deepEqual(price, {
      filterType: 'PRICE_FILTER',
      minPrice: '0.01000000',
      maxPrice: '1000000.00000000',
      tickSize: '0.01000000',
    });
  });

  test('depth has the asked number of levels, sorted, not crossed', async () => {
    const book = await json<{ lastUpdateId: number; bids: [string, string][]; asks: [string, string][] }>(
      '/api/v3/depth?symbol=BTCUSDT&limit=1000',
    );
    assert.equal(book.bids.length, 1_000);
    assert.equal(book.asks.length, 1_000);
    for (let i = 1; i < 1_000; i++) {
      assert.ok(Number(book.bids[i]?.[0]) < Number(book.bids[i - 1]?.[0]));
      assert.ok(Number(book.asks[i]?.[0]) > Number(book.asks[i - 1]?.[0]));
    }
    assert.ok(Number(book.bids[0]?.[0]) < Number(book.asks[0]?.[0]));
    assert.match(book.bids[0]?.[0] as string, /^\d+\.\d{8}$/);
    assert.equal((await json<typeof book>('/api/v3/depth?symbol=BTCUSDT')).bids.length, 100);
  });

  test('klines: defaults, limits, ranges, and pages that join', async () => {
    const klines = (query: string) => json<Row[]>(`/api/v3/klines?symbol=BTCUSDT&interval=1m${query}`);
    assert.equal((await klines('')).length, 500);
    const whole = await klines('&limit=5000');
    assert.equal(whole.length, 1_000);
    const last = whole.at(-1) as Row;
    assert.equal(last[0], START - 30_000);
    assert.equal(last[6], START - 30_000 + MINUTE - 1);
    assert.equal(last.length, 12);
    const first = whole[0]?.[0] as number;
    const pages = [
      ...(await klines(`&startTime=${first}&endTime=${first + 499 * MINUTE}&limit=1000`)),
      ...(await klines(`&startTime=${first + 500 * MINUTE}&limit=1000`)),
    ];
    assert.deepEqual(pages, whole);
    assert.deepEqual(await klines(`&endTime=${first + 9 * MINUTE}&limit=10`), whole.slice(0, 10));
    assert.deepEqual(await klines(`&startTime=${first + 1}&limit=2`), whole.slice(1, 3));
    assert.deepEqual(await klines(`&startTime=${START + 1}`), []);
    assert.deepEqual(await klines('&endTime=1000'), []);
    const twoDaysAgo = await klines(`&startTime=${START - 48 * 60 * MINUTE}&limit=3`);
    assert.equal(twoDaysAgo[0]?.[0], START + 30_000 - 48 * 60 * MINUTE);
    for (const [i, row] of whole.entries()) assert.equal(row[0], first + i * MINUTE);
  });

  test('longer klines hold what their minutes hold', async () => {
    const hours = await json<Row[]>('/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=3');
    const hour = hours[1] as Row;
    const minutes = await json<Row[]>(
      `/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${hour[0]}&endTime=${hour[6]}`,
    );
    assert.equal(minutes.length, 60);
    const units = (text: unknown) => BigInt(String(text).replace('.', ''));
    const sum = (column: number) => minutes.reduce((n, m) => n + units(m[column]), 0n);
    for (const column of [5, 7, 9, 10]) assert.equal(units(hour[column]), sum(column));
    assert.equal(hour[1], minutes[0]?.[1]);
    assert.equal(hour[4], minutes[59]?.[4]);
    assert.equal(hour[8], Number(sum(8)));
    for (const interval of ['1s', '3m', '4h', '1d', '3d', '1w', '1M']) {
      const rows = await json<Row[]>(`/api/v3/klines?symbol=BTCUSDT&interval=${interval}&limit=3`);
      assert.ok(rows.length > 0);
      assert.ok((rows.at(-1)?.[0] as number) <= START && (rows.at(-1)?.[6] as number) >= START);
    }
  });

  test('aggTrades: newest by default, by id, by time, and pages that join', async () => {
    type T = { a: number; f: number; l: number; T: number };
    const trades = (query: string) => json<T[]>(`/api/v3/aggTrades?symbol=ETHUSDT${query}`);
    const newest = await trades('&limit=1000');
    assert.equal(newest.length, 1_000);
    assert.ok((newest.at(-1) as T).T < START);
    for (let i = 1; i < newest.length; i++) {
      const [before, trade] = [newest[i - 1] as T, newest[i] as T];
      assert.equal(trade.a, before.a + 1);
      assert.equal(trade.f, before.l + 1);
      assert.ok(trade.T >= before.T);
    }
    const from = (newest[0] as T).a;
    assert.deepEqual(
      [...(await trades(`&fromId=${from}&limit=400`)), ...(await trades(`&fromId=${from + 400}&limit=1000`))],
      newest,
    );
    const [since, until] = [(newest[100] as T).T, (newest[200] as T).T];
    assert.deepEqual(
      await trades(`&startTime=${since}&endTime=${until}&limit=1000`),
      newest.filter((t) => t.T >= since && t.T <= until),
    );
    const upTo = newest.filter((t) => t.T <= until);
    assert.deepEqual(await trades(`&endTime=${until}&limit=50`), upTo.slice(-50));
    assert.deepEqual(await trades(`&startTime=${START}`), []);
    assert.deepEqual(await trades(`&fromId=${from + 5_000}`), []);
    assert.equal((await trades('')).length, 500);
  });

  test('ticker/24hr of one, some and all', async () => {
    const one = await json<Record<string, unknown>>('/api/v3/ticker/24hr?symbol=BTCUSDT');
    assert.equal(one.symbol, 'BTCUSDT');
    assert.equal(one.count, (one.lastId as number) - (one.firstId as number) + 1);
    assert.equal((one.closeTime as number) - (one.openTime as number), 86_400_000);
    const all = await json<Record<string, unknown>[]>('/api/v3/ticker/24hr');
    assert.deepEqual(all[0], one);
    const mini = await json<Record<string, unknown>[]>('/api/v3/ticker/24hr?symbols=%5B%22BTCUSDT%22%5D&type=MINI');
    assert.equal(mini[0]?.lastPrice, one.lastPrice);
    assert.equal(mini[0]?.bidPrice, undefined);
  });

  const errors: [path: string, code: number, msg: RegExp][] = [
    ['/depth', -1102, /^Mandatory parameter 'symbol' was not sent, was empty\/null, or malformed\.$/],
    ['/depth?symbol=', -1102, /^Mandatory parameter 'symbol'/],
    ['/depth?symbol=btcusdt', -1100, /^Illegal characters found in parameter 'symbol'; legal range is/],
    ['/depth?symbol=NOPEUSDT', -1121, /^Invalid symbol\.$/],
    ['/depth?symbol=BTCUSDT&limit=x', -1100, /^Illegal characters found in parameter 'limit'/],
    ['/depth?symbol=BTCUSDT&limit=0', -1130, /^Data sent for parameter 'limit' is not valid\.$/],
    ['/depth?symbol=BTCUSDT&limit=', -1105, /^Parameter 'limit' was empty\.$/],
    ['/depth?symbol=BTCUSDT&x=1', -1104, /read '1' parameter\(s\) but was sent '2'\.$/],
    ['/depth?symbol=BTCUSDT&symbol=BTCUSDT', -1101, /^Duplicate values/],
    ['/klines?symbol=BTCUSDT', -1102, /'interval'/],
    ['/klines?symbol=BTCUSDT&interval=1x', -1120, /^Invalid interval\.$/],
    ['/aggTrades?symbol=BTCUSDT&fromId=1&startTime=1', -1128, /^Combination of optional parameters invalid\.$/],
    ['/ticker/24hr?symbol=BTCUSDT&type=BIG', -1139, /^Invalid ticker type\.$/],
    ['/ticker/24hr?symbols=BTCUSDT', -1100, /'symbols'/],
    ['/exchangeInfo?symbol=NOPEUSDT', -1121, /^Invalid symbol\.$/],
  ];
  for (const [path, code, msg] of errors) {
    test(`error ${code}: ${path}`, async () => {
      const response = await get(`/api/v3${path}`);
      assert.equal(response.status, 400);
      const body = (await response.json()) as { code: number; msg: string };
      assert.equal(body.code, code);
      assert.match(body.msg, msg);
    });
  }

  test('unknown paths and methods are 404', async () => {
    assert.equal((await get('/api/v3/nothing')).status, 404);
    assert.equal((await fetch(`${sim.restUrl}/api/v3/ping`, { method: 'POST' })).status, 404);
  });
});

describe('request weights', () => {
  test('are counted per minute as documented', async () => {
    let now = START;
    const sim = await startBinanceSim({ symbols: ['BTCUSDT', 'ETHUSDT'], startAt: START, clock: () => now });
    let used = 0;
    const costs: [path: string, weight: number][] = [
      ['/ping', 1],
      ['/exchangeInfo', 20],
      ['/depth?symbol=BTCUSDT', 5],
      ['/depth?symbol=BTCUSDT&limit=500', 25],
      ['/depth?symbol=BTCUSDT&limit=1000', 50],
      ['/depth?symbol=BTCUSDT&limit=5000', 250],
      ['/klines?symbol=BTCUSDT&interval=1m&limit=1', 2],
      ['/aggTrades?symbol=BTCUSDT&limit=1', 4],
      ['/ticker/24hr?symbol=BTCUSDT', 2],
      ['/ticker/24hr', 80],
    ];
    for (const [path, weight] of costs) {
      used += weight;
      const response = await fetch(`${sim.restUrl}/api/v3${path}`);
      await response.arrayBuffer();
      assert.equal(response.headers.get('x-mbx-used-weight-1m'), String(used), path);
    }
    now += MINUTE;
    const response = await fetch(`${sim.restUrl}/api/v3/ping`);
    assert.equal(response.headers.get('x-mbx-used-weight-1m'), '1');
    await sim.close();
  });

  test('beyond the limit 429 with Retry-After, for who goes on 418', async () => {
    const sim = await startBinanceSim({ symbols: ['BTCUSDT'], startAt: START, clock: () => START, weightLimit: 20 });
    const ping = () => fetch(`${sim.restUrl}/api/v3/exchangeInfo`);
    assert.equal((await ping()).status, 200);
    const limited = await ping();
    assert.equal(limited.status, 429);
    assert.equal(limited.headers.get('retry-after'), '30');
    const body = (await limited.json()) as { code: number; msg: string };
    assert.equal(body.code, -1003);
    assert.match(body.msg, /^Too much request weight used; current limit is 20 request weight per 1 MINUTE\./);
    let status = 429;
    for (let i = 0; i < 60 && status === 429; i++) status = (await ping()).status;
    const banned = await ping();
    assert.equal(banned.status, 418);
    assert.equal(banned.headers.get('retry-after'), '120');
    assert.match(
      ((await banned.json()) as { msg: string }).msg,
      /^Way too much request weight used; IP banned until \d+\./,
    );
    await sim.close();
  });
});
