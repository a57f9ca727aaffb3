import assert from 'node:assert/strict';
import { after, before, beforeEach, mock, test } from 'node:test';
import { type C2cAnswer, type C2cSilence, createC2cClient } from '../../../ingestion/c2c/client.ts';
import { ingestC2cOrders, upsertLatestC2cOrders } from '../../../ingestion/c2c/ingest.ts';
import { keptSilence } from '../../../ingestion/c2c/progress.ts';
import { createBans, restPlace } from '../../../ingestion/feed/bans.ts';
import type { C2cSim } from '../../../sim/c2c/server.ts';
import { createExchangeRest } from '../../../src/platform/exchange/rest.ts';
import { metrics } from '../../../src/platform/metrics.ts';
import { until } from '../../support/until.ts';
import { quiet } from '../feed/scripted.ts';
import { type MerchantPlatform, startMerchant } from './merchant-platform.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 2, 31, 3);
let merchant: MerchantPlatform;
let sim: C2cSim;
before(async () => {
  merchant = await startMerchant({ startAt: START, orders: 600, seed: 3 });
  sim = merchant.sim;
});
after(() => merchant.stop());

const never = new AbortController().signal;
const asked = { tradeType: 'SELL', from: START - 5 * DAY, to: START, page: 1 } as const;
let answers: C2cAnswer[] = [];
beforeEach(() => {
  answers = [];
});
/** A silence of this process alone. */
function silence(): C2cSilence {
  let until = 0;
  return {
    until: async () => until,
    async tell(time) {
      until = Math.max(until, time);
    },
  };
}
const client = (over: object = {}) =>
  createC2cClient({
    ...{ base: sim.url, key: sim.key, secret: sim.secret, sleepMs: 0, timeoutMs: 3_000, silence: silence() },
    onAnswer: async (answer) => void answers.push(answer),
    ...over,
  });

test('a signed call brings a page, on the clock of the exchange however far it is off ours', async () => {
  // the stand-in lives months away from our clock
  const page = await client().page(asked, never);
  assert.equal(page.orders.length, 100);
  assert.ok((page.total ?? 0) > 200);
  assert.ok(Math.abs(page.askedAt - (await client().now(never))) < 5_000);
  assert.equal(sim.stats().refused, 0, 'the time was asked for first');
});

test('a clock that moves is corrected with one more try; twice wrong is an error', async () => {
  const one = client();
  await one.page(asked, never);
  for (const skew of [60_000, -90_000]) {
    sim.faults.clockSkew(skew);
    const before = sim.stats().requests;
    await one.page(asked, never);
    assert.equal(sim.stats().requests - before, 2);
  }
  sim.faults.clockSkew(0);
  await one.page(asked, never);
  sim.faults.fail(3, 400, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}');
  const before = sim.stats().requests;
  await assert.rejects(one.page(asked, never), { name: 'C2cRefused', code: -1021 });
  assert.equal(sim.stats().requests - before, 2);
  await one.page(asked, never);
});

test('a clock that is found wrong after a failure of another kind is corrected all the same', async () => {
  const one = client();
  await one.page(asked, never);
  const off = '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}';
  for (const failures of [1, 4]) {
    sim.faults.fail(failures, 503, '{}');
    sim.faults.fail(1, 400, off);
    assert.equal((await one.page(asked, never)).orders.length, 100, `${failures} failures before`);
  }
});

test('a request is signed when it is sent, not before the pause', async () => {
  const one = client({ sleepMs: 700 });
  await one.page(asked, never);
  const sent: number[] = [];
  const original = globalThis.fetch;
  const watch = mock.method(globalThis, 'fetch', (...given: Parameters<typeof fetch>) => {
    sent.push(Number(new URL(String(given[0])).searchParams.get('timestamp')));
    return original(...given);
  });
  try {
    const began = await one.now(never);
    const { askedAt } = await one.page(asked, never);
    assert.equal(sent[0], askedAt);
    assert.ok(askedAt - began >= 500, `${askedAt - began} ms`);
  } finally {
    watch.mock.restore();
  }
});

test('a silence that any worker is told holds for every one at once, and a shorter one does not end it', async () => {
  const [own, other] = [keptSilence(merchant.postgres, sim.url), keptSilence(merchant.postgres, sim.url)];
  const talking = client({ silence: own });
  await talking.page(asked, never);
  const before = sim.stats().requests;
  sim.faults.refuse({ status: 418, count: 1, retryAfter: 7_200 });
  await assert.rejects(client({ silence: other }).page(asked, never), { name: 'C2cPaused' });
  assert.equal(sim.stats().requests - before, 1);
  // what it knows already is a second old at the most
  await until('the silence to be known', async () => (await own.until()) > Date.now() + 7_000_000);
  await assert.rejects(talking.page(asked, never), { name: 'C2cPaused' });
  await own.tell(Date.now() + 1_000);
  assert.ok((await keptSilence(merchant.postgres, sim.url).until()) > Date.now() + 7_000_000);
  assert.equal(sim.stats().requests - before, 1);
  await merchant.rows(`DELETE FROM ops.lease WHERE name LIKE 'ban:%'`);
});

test('a ban of the feeds is one of C2C where the host is the same, and the other way round', async () => {
  const base = 'https://api.binance.com';
  const [c2c, elsewhere] = [base, 'https://api1.binance.com'].map((url) => keptSilence(merchant.postgres, url));
  const feeds = createExchangeRest({ base, timeoutMs: 1, weight: 1, perMs: 1 });
  const bans = createBans(merchant.postgres, new Map([[restPlace(base), feeds]]), 'ingest', quiet);
  bans.start();
  try {
    feeds.pause(60_000);
    const isKnown = async (): Promise<boolean> => ((await c2c?.until()) ?? 0) > Date.now() + 50_000;
    await until('the ban of the feeds to be known', isKnown);
    assert.equal(await elsewhere?.until(), 0);
    await c2c?.tell(Date.now() + 600_000);
    await until('the feeds to be silent', () => feeds.silentFor() > 590_000);
  } finally {
    await bans.stop();
    await merchant.rows(`DELETE FROM ops.lease WHERE name LIKE 'ban:%'`);
  }
});

test('a short silence is kept while it is waited for', async () => {
  const kept = keptSilence(merchant.postgres, sim.url);
  sim.faults.refuse({ status: 429, count: 1, retryAfter: 2 });
  const waiting = client({ silence: kept }).page(asked, never);
  await until(
    'the silence to be written',
    async () => (await keptSilence(merchant.postgres, sim.url).until()) > Date.now(),
  );
  assert.equal((await waiting).orders.length, 100);
});

test('a wrong key or secret is an error at once, in which neither appears', async () => {
  for (const [over, code] of [
    [{ secret: 'not-the-secret-of-this-key' }, -1022],
    [{ key: 'A'.repeat(64) }, -2015],
    [{ key: 'not-a-key' }, -2014],
  ] as const) {
    const before = sim.stats().requests;
    const error = await client(over)
      .page(asked, never)
      .then(
        () => null,
        (reason: unknown) => reason as { code: number; stack: string },
      );
    assert.equal(error?.code, code);
    assert.equal(sim.stats().requests - before, 1);
    assert.doesNotMatch(String(error?.stack), /not-the-secret|not-a-key|AAAA|signature=/);
  }
});

test('429 and 418 are waited out, for as long as Retry-After says', async () => {
  for (const status of [429, 418] as const) {
    sim.faults.refuse({ status, count: 1, retryAfter: 1 });
    const began = performance.now();
    const page = await client().page(asked, never);
    assert.equal(page.orders.length, 100);
    assert.ok(performance.now() - began >= 990, `${status}`);
  }
});

test('calls are counted by what came of them', async () => {
  const counts = async (): Promise<Record<string, number>> =>
    Object.fromEntries((await metrics.c2cCalls.get()).values.map(({ labels, value }) => [labels.outcome, value]));
  const before = await counts();
  sim.faults.refuse({ status: 429, count: 1, retryAfter: 0 });
  sim.faults.reset(1);
  await client().page(asked, never);
  const after = await counts();
  const grown = (outcome: string): number => (after[outcome] ?? 0) - (before[outcome] ?? 0);
  // the time, and the page
  assert.deepEqual([grown('answered'), grown('limited'), grown('failed')], [2, 1, 1]);
});

test('a long ban ends the run, and no later run of any process calls before it is over', async () => {
  sim.faults.refuse({ status: 418, count: 1, retryAfter: 7_200 });
  await assert.rejects(merchant.run(upsertLatestC2cOrders), { name: 'C2cPaused' });
  const before = sim.stats().requests;
  await assert.rejects(merchant.run(ingestC2cOrders), { name: 'C2cPaused' });
  assert.equal(sim.stats().requests, before);
  await merchant.rows(`DELETE FROM ops.lease WHERE name LIKE 'ban:%'`);
  await merchant.run(upsertLatestC2cOrders);
});

test('calls are spaced by SLEEP_INTERVAL', async () => {
  const one = client({ sleepMs: 150 });
  const began = performance.now();
  for (let page = 1; page <= 3; page++) await one.page({ ...asked, page }, never);
  // the time, and three pages
  assert.ok(performance.now() - began >= 440);
});

test('what passes is tried again: resets, silence, 5xx, half an answer, errors of either shape', async () => {
  const one = client({ timeoutMs: 300 });
  const faults: (() => void)[] = [
    () => sim.faults.reset(1),
    () => sim.faults.stall(1),
    () => sim.faults.fail(2, 503, '<html>busy</html>'),
    () => sim.faults.malform(1),
    () => sim.faults.malform(1, '"what is this"'),
    () => sim.faults.fail(1, 200, '{"code":"000001","message":"system busy","data":null,"success":false}'),
    () => sim.faults.fail(1, 400, '{"code":-1003,"msg":"Too many requests."}'),
    () => sim.faults.fail(1, 200, '{"code":-1001,"msg":"Internal error."}'),
  ];
  for (const [i, cause] of faults.entries()) {
    cause();
    assert.equal((await one.page(asked, never)).orders.length, 100, `fault ${i}`);
  }
});

test('tries are bounded, and so is the size of an answer', async () => {
  const before = sim.stats().requests;
  sim.faults.fail(9, 500, '{}');
  await assert.rejects(client().page(asked, never), { name: 'RestFailed', status: 500 });
  assert.equal(sim.stats().requests - before, 5);
  for (let i = 0; i < 4; i++)
    await client()
      .page(asked, never)
      .catch(() => {});
  sim.faults.malform(1, `"${'x'.repeat(5_000_000)}"`);
  await assert.rejects(client().page(asked, never), /larger than/);
  assert.equal((await client().page(asked, never)).orders.length, 100);
});

test('a window longer than 30 days is refused in the shape of the API itself', async () => {
  await assert.rejects(client().page({ ...asked, from: START - 31 * DAY }, never), {
    name: 'C2cRefused',
    code: '083001',
  });
});

test('every answer is handed on as it came, before it is read', async () => {
  sim.faults.malform(1);
  await client().page(asked, never);
  assert.equal(answers.length, 2);
  assert.throws(() => JSON.parse(answers[0]?.text ?? ''));
  assert.equal(JSON.parse(answers[1]?.text ?? '').data.length, 100);
  assert.notEqual(answers[0]?.callId, answers[1]?.callId);
});

test('whatever goes wrong on the way, nothing is missed and no name or secret is logged', async () => {
  await merchant.rows('TRUNCATE public.c2c_order, ops.watermark');
  sim.faults.reset(1);
  sim.faults.duplicatePage(1);
  sim.faults.malform(1);
  sim.faults.duplicatePage(2);
  sim.faults.generation('mixed');
  await merchant.run(ingestC2cOrders, { FETCH_MODE: 'backfill' });
  const [row] = await merchant.rows<{ n: number }>('SELECT count(*)::int AS n FROM public.c2c_order');
  assert.equal(row?.n, sim.orders().length);
  const log = merchant.lines.join();
  assert.ok(!log.includes(sim.key) && !log.includes(sim.secret) && !log.includes('signature'));
  for (const { counterPartNickName } of sim.orders()) assert.ok(!log.includes(counterPartNickName));
});
