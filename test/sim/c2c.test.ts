import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import { type C2cSim, type C2cSimOptions, startC2cSim } from '../../sim/c2c/server.ts';
import { startStandIns } from '../../sim/index.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 4, 17, 9, 30);
const running: { close(): Promise<void> }[] = [];
after(() => Promise.all(running.map((sim) => sim.close())));

async function open(options: C2cSimOptions = {}): Promise<C2cSim> {
  const sim = await startC2cSim({ startAt: START, seed: 4, ...options });
  running.push(sim);
  return sim;
}

interface Answer {
  status: number;
  retryAfter: string | null;
  code: number | string;
  message: string | null;
  success?: boolean;
  total: number;
  data: { orderNumber: string; createTime: number; tradeType: string; orderStatus: string; payMethodName?: string }[];
}

/** Asks with a right signature; `over` replaces or (null) leaves out parameters, `sign` what is signed. */
async function ask(
  sim: C2cSim,
  over: Readonly<Record<string, string | number | null | undefined>> = {},
  { key = sim.key as string | null, sign = (query: string) => query, extra = '' } = {},
): Promise<Answer> {
  const given = { tradeType: 'SELL', startTimestamp: START - 20 * DAY, endTimestamp: START, page: 1, rows: 100 };
  const params = { ...given, timestamp: sim.clock(), ...over };
  const entries = Object.entries(params).filter(([, value]) => value !== null && value !== undefined);
  const query = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  const signature = createHmac('sha256', sim.secret).update(sign(query)).digest('hex');
  const path = '/sapi/v1/c2c/orderMatch/listUserOrderHistory';
  const response = await fetch(`${sim.url}${path}?${query}&signature=${signature}${extra}`, {
    headers: key === null ? {} : { 'X-MBX-APIKEY': key },
  });
  const said = (await response.json()) as Answer;
  return { ...said, status: response.status, retryAfter: response.headers.get('retry-after') };
}

test('50,000 orders of 18 months, of which the last six are shown; the same for the same seed', async () => {
  const sim = await open();
  const all = sim.orders();
  assert.equal(all.length, 50_000);
  assert.equal(new Set(all.map(({ orderNumber }) => orderNumber)).size, 50_000);
  const span = (all.at(-1)?.createTime ?? 0) - (all[0]?.createTime ?? 0);
  assert.ok(Math.abs(span / DAY - 547.5) < 2);
  const values = (of: (order: (typeof all)[number]) => string): string[] => [...new Set(all.map(of))].sort();
  assert.deepEqual(
    values(({ fiat }) => fiat),
    ['CNY', 'KRW', 'USD', 'VND'],
  );
  assert.deepEqual(
    values(({ asset }) => asset),
    ['BTC', 'FDUSD', 'USDT'],
  );
  assert.equal(values(({ orderStatus }) => orderStatus).length, 8);
  assert.ok(
    all.some(({ counterPartNickName: n }) => n.endsWith('***')) && all.some((o) => o.counterPartNickName.includes(' ')),
  );
  for (const { orderNumber, amount, unitPrice, totalPrice } of all) {
    assert.match(orderNumber, /^[0-9]{20}$/);
    assert.ok(Math.abs(Number(amount) * Number(unitPrice) - Number(totalPrice)) <= Number(totalPrice) * 1e-6 + 1e-7);
  }
  const horizon = Date.UTC(2025, 10, 17, 9, 30);
  const edge = { startTimestamp: horizon - 10 * DAY, endTimestamp: horizon + 10 * DAY };
  const { data: _, ...answer } = await ask(sim, edge);
  const shown = all.filter(
    (o) => o.tradeType === 'SELL' && o.createTime >= horizon && o.createTime <= horizon + 10 * DAY,
  );
  assert.equal(answer.total, shown.length, JSON.stringify(answer));
  const few = { orders: 500 };
  assert.deepEqual((await open(few)).orders(), all.slice(-500));
  assert.notDeepEqual((await open({ ...few, seed: 5 })).orders(), all.slice(-500));
});

test('a window is listed in pages, each order once', async () => {
  const sim = await open({ orders: 2_000 });
  const listed: string[] = [];
  let total = 0;
  for (let page = 1; ; page++) {
    const answer = await ask(sim, { page });
    ({ total } = answer);
    listed.push(...answer.data.map(({ orderNumber }) => orderNumber));
    if (answer.data.length < 100) break;
  }
  const right = sim.orders().filter((o) => o.tradeType === 'SELL' && o.createTime >= START - 20 * DAY);
  assert.equal(total, right.length);
  assert.deepEqual(
    listed,
    right.reverse().map(({ orderNumber }) => orderNumber),
  );
  const unset = await ask(sim, { startTimestamp: null, endTimestamp: null, tradeType: null, rows: null, page: null });
  assert.equal(unset.data.length, 100);
  assert.equal(unset.total, 2_000, 'thirty days and both sides where nothing is said');
});

test('orders come in and change while time passes, and time can go back', async () => {
  const sim = await open({ orders: 500 });
  const before = sim.orders();
  sim.setNow(START + 2 * DAY);
  const after = sim.orders();
  assert.ok(after.length > before.length + 150);
  const changed = before.filter((order, i) => order.orderStatus !== after[i]?.orderStatus);
  assert.ok(changed.length > 0);
  sim.setNow(START);
  assert.deepEqual(sim.orders(), before);
  const added = sim.add({ createTime: START - DAY, counterPartNickName: 'An Bel' });
  sim.change(added.orderNumber, { orderStatus: 'COMPLETED' });
  const { data } = await ask(sim, {
    tradeType: added.tradeType,
    startTimestamp: START - DAY - 1,
    endTimestamp: START - DAY,
  });
  assert.ok(data.some((o) => o.orderNumber === added.orderNumber && o.orderStatus === 'COMPLETED'));
});

test('who asks must sign, with the right key, at the right time', async () => {
  const sim = await open({ orders: 10 });
  const cases: [Promise<Answer>, number, number][] = [
    [ask(sim, {}, { key: null }), 401, -2014],
    [ask(sim, {}, { key: 'short' }), 401, -2014],
    [ask(sim, {}, { key: 'A'.repeat(64) }), 401, -2015],
    [ask(sim, {}, { sign: (query) => `${query} ` }), 400, -1022],
    [ask(sim, {}, { extra: '&rows=1' }), 400, -1101],
    [ask(sim, { rows: null }, { extra: '&rows=1' }), 400, -1022],
    [ask(sim, { timestamp: null }), 400, -1102],
    [ask(sim, { timestamp: 'now' }), 400, -1100],
    [ask(sim, { timestamp: sim.clock() - 20_000 }), 400, -1021],
    [ask(sim, { timestamp: sim.clock() - 20_000, recvWindow: 60_000 }), 200, Number.NaN],
    [ask(sim, { timestamp: sim.clock() + 20_000 }), 400, -1021],
    [ask(sim, { recvWindow: 60_001 }), 400, -1131],
    [ask(sim, { page: 'one' }), 400, -1100],
    [ask(sim, { unknown: 1 }), 400, -1104],
  ];
  for (const [i, [asked, status, code]] of cases.entries()) {
    const answer = await asked;
    assert.equal(answer.status, status, `case ${i}`);
    if (!Number.isNaN(code)) assert.equal(answer.code, code, `case ${i}`);
  }
});

test('what the API itself refuses has its own shape', async () => {
  const sim = await open({ orders: 10 });
  for (const over of [
    { startTimestamp: START - 31 * DAY },
    { endTimestamp: START - 30 * DAY },
    { tradeType: 'HOLD' },
    { page: 0 },
  ]) {
    const { status, code, success, data } = await ask(sim, over);
    assert.equal(status, 200);
    assert.notEqual(code, '000000');
    assert.deepEqual([success, data], [false, null]);
  }
});

test('too many requests are refused: 429, and 418 for who goes on', async () => {
  const sim = await open({ orders: 10, weight: 5 });
  const statuses: number[] = [];
  for (let i = 0; i < 60; i++) {
    const { status, retryAfter } = await ask(sim);
    statuses.push(status);
    if (status !== 200) assert.ok(Number(retryAfter) > 0);
  }
  assert.deepEqual([...new Set(statuses)], [200, 429, 418]);
});

test('a machine that takes its time is not refused for it', async (t) => {
  const real = Date.now();
  const minute = Math.ceil(real / 60_000) * 60_000;
  t.mock.timers.enable({ apis: ['Date'], now: minute - 20_000 });
  const sim = await open({ orders: 10, weight: 5 });
  t.mock.timers.tick(6_000);
  // signed by the exchange's clock, which went on; and its minute is that of its own clock
  const statuses: number[] = [];
  for (let i = 0; i < 60; i++) {
    if (i === 10) t.mock.timers.tick(30_000);
    statuses.push((await ask(sim)).status);
  }
  assert.deepEqual([...new Set(statuses)], [200, 429, 418]);
});

test('both generations, and answers that go wrong on demand', async () => {
  const sim = await open({ orders: 400 });
  const newer = await ask(sim);
  assert.equal(newer.message, null);
  assert.ok(newer.data.every(({ payMethodName }) => payMethodName !== undefined));
  sim.faults.generation('older');
  const older = await ask(sim);
  assert.equal(older.message, 'success');
  assert.ok(older.data.every(({ payMethodName }) => payMethodName === undefined));
  sim.faults.duplicatePage(1);
  assert.deepEqual((await ask(sim, { page: 2 })).data, older.data);
  sim.faults.malform(1);
  await assert.rejects(ask(sim), SyntaxError);
  sim.faults.reset(1);
  await assert.rejects(ask(sim), TypeError);
  sim.faults.fail(1, 503, '{"code":-1001}');
  assert.equal((await ask(sim)).status, 503);
  sim.faults.clockSkew(-3_600_000);
  assert.equal((await ask(sim)).code, -1021);
  assert.equal((await ask(sim, { timestamp: sim.clock() - 3_600_000 })).status, 200);
});

test('it starts with the other stand-ins, and hands over the settings under which it is there', async () => {
  const without = await startStandIns([], 1);
  assert.deepEqual([without.endpoints, without.settings], [{}, {}]);
  await without.stop();
  const standIns = await startStandIns(['UPBIT'], 1, { c2c: true });
  const { settings, endpoints } = standIns;
  assert.deepEqual(Object.keys(settings).sort(), [
    ...['BINANCE_API_KEY', 'BINANCE_API_SECRET', 'BINANCE_C2C_URL', 'SLEEP_INTERVAL', 'UPBIT_REST_URL', 'UPBIT_WS_URL'],
  ]);
  assert.equal(settings.UPBIT_REST_URL, endpoints.UPBIT?.rest);
  const { serverTime } = (await (await fetch(`${settings.BINANCE_C2C_URL}/api/v3/time`)).json()) as {
    serverTime: number;
  };
  assert.ok(Math.abs(serverTime - Date.now()) < 5_000);
  await standIns.stop();
  await assert.rejects(fetch(`${settings.BINANCE_C2C_URL}/api/v3/time`));
});
