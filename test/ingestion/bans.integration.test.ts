/** Processes behind one address: what one of them is forbidden, and what they may do together. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createBans, type Silent } from '../../ingestion/feed/bans.ts';
import { createConnectRate } from '../../ingestion/feed/connect-rate.ts';
import { startShare } from '../../ingestion/feed/share.ts';
import { MIGRATIONS } from '../../migrations/index.ts';
import { createExchangeRest } from '../../src/platform/exchange/rest.ts';
import { openTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { quiet, ScriptedExchange } from './feed/scripted.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let exchange: ScriptedExchange;
before(async () => {
  database = await openTestDatabase(MIGRATIONS);
  exchange = await new ScriptedExchange().start();
});
after(async () => {
  await exchange.stop();
  await database.stop();
});

const REQUEST = { method: 'GET', path: '/api/v3/klines?limit=1', weight: 1 } as const;
const restOf = (weight = 1_000, perMs = 1_000) =>
  createExchangeRest({ base: `http://${exchange.url}`, timeoutMs: 2_000, weight, perMs });
const call = (rest: ReturnType<typeof restOf>) => rest.call(REQUEST, AbortSignal.timeout(20_000));

test('a ban of one process silences the others within two seconds, and one that starts meanwhile', {
  timeout: 60_000,
}, async () => {
  const BAN_S = 7;
  const processes = ['a', 'b'].map((holder) => {
    const rest = restOf();
    const places = new Map<string, Silent>([['BINANCE:rest', rest]]);
    return { rest, bans: createBans(database.postgres, places, holder, quiet) };
  });
  const [one, other] = processes as [(typeof processes)[0], (typeof processes)[0]];
  for (const { bans } of processes) bans.start();
  try {
    await call(other.rest);
    exchange.refuse = () => ({ status: 418, retryAfter: BAN_S });
    const bannedAt = performance.now();
    await assert.rejects(call(one.rest), { name: 'RestFailed', status: 418 });
    exchange.refuse = () => null;
    await until('the other to keep silent', () => other.rest.silentFor() > 0, { timeoutMs: 4_000 });
    const known = performance.now() - bannedAt;
    assert.ok(known < 2_500, `${known} ms`);

    const later = restOf();
    const started = createBans(database.postgres, new Map([['BINANCE:rest', later]]), 'c', quiet);
    await started.read();
    assert.ok(later.silentFor() > 1_000);
    const elsewhere = createConnectRate({ count: 1, perMs: 1 });
    await createBans(database.postgres, new Map([['BINANCE:connect', elsewhere]]), 'd', quiet).read();
    assert.equal(elsewhere.silentFor(), 0, 'what is asked of REST is not asked of connections');

    const asked = exchange.requests.length;
    await Promise.all([call(other.rest), call(later), call(one.rest)]);
    const waited = performance.now() - bannedAt;
    assert.ok(waited >= BAN_S * 1_000 - 300, `called after ${waited} ms`);
    assert.ok(waited < BAN_S * 1_000 + 3_000, `and not kept silent for longer: ${waited} ms`);
    assert.equal(exchange.requests.length, asked + 3);
  } finally {
    await Promise.all(processes.map(({ bans }) => bans.stop()));
  }
});

test('each process learns how many they are, and keeps to its part', { timeout: 30_000 }, async () => {
  const counts: number[][] = [[], []];
  const shares = counts.map((told, i) =>
    startShare({
      ...{ postgres: database.postgres, items: ['x', 'y'], holder: `holder-${i}`, ms: 1_000, log: quiet },
      gained: async () => {},
      lost: async () => {},
      members: (count) => void told.push(count),
    }),
  );
  await until('both to know', () => counts.every((told) => told.at(-1) === 2));
  await shares[1]?.stop();
  await until('the one that is left to know', () => counts[0]?.at(-1) === 1);
  await shares[0]?.stop();

  const rest = restOf(40, 400);
  rest.divide(2);
  const from = performance.now();
  await Promise.all(Array.from({ length: 40 }, () => call(rest)));
  assert.ok(performance.now() - from >= 350, 'twenty at once, the others as their weight comes back');

  const rate = createConnectRate({ count: 4, perMs: 300 });
  const { signal } = new AbortController();
  for (let i = 0; i < 4; i++) await rate.turn(signal);
  rate.divide(4);
  const since = performance.now();
  await rate.turn(signal);
  await rate.turn(signal);
  assert.ok(performance.now() - since >= 550, 'one in three hundred milliseconds');
  rate.pause(500);
  await rate.turn(signal);
  assert.ok(performance.now() - since >= 1_000, 'none while the exchange wants none');
});
