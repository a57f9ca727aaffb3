import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { startBinanceSim } from '../../sim/binance/server.ts';
import { startBithumbSim } from '../../sim/bithumb/server.ts';
import { startKucoinSim } from '../../sim/kucoin/server.ts';
import { startUpbitSim } from '../../sim/upbit/server.ts';
import { connect } from './stream-client.ts';

const START = Date.UTC(2026, 0, 5, 12, 0, 30);
const MINUTE = 60_000;

const STAND_INS = {
  binance: { start: startBinanceSim, symbol: 'BTCUSDT', rest: '/api/v3/time', stream: '/ws/btcusdt@aggTrade' },
  upbit: { start: startUpbitSim, symbol: 'KRW-BTC', rest: '/v1/market/all', stream: '' },
  bithumb: { start: startBithumbSim, symbol: 'KRW-BTC', rest: '/v1/market/all', stream: '' },
  kucoin: { start: startKucoinSim, symbol: 'BTC-USDT', rest: '/api/v1/timestamp', stream: '/?token=none' },
} as const;

/** The parts of a dump that must not depend on when the record began. */
function told(sent: { trades: unknown[]; candles: unknown[]; since: number; until: number; dropped: number }): unknown {
  const { trades, candles, since, until, dropped } = sent;
  return { trades, candles, since, until, dropped };
}

for (const [name, { start, symbol, rest, stream }] of Object.entries(STAND_INS)) {
  describe(`the stand-in of ${name}`, () => {
    test('refuses everything during a ban, says for how long, and leaves connections alone', async () => {
      const sim = await start({ symbols: [symbol] });
      try {
        assert.equal((await fetch(sim.restUrl + rest)).status, 200);
        sim.faults.ban({ status: 418, ms: 1_500 });
        const refused = await fetch(sim.restUrl + rest);
        assert.equal(refused.status, 418);
        const { headers } = refused;
        const wait = Number(headers.get('retry-after') ?? Number(headers.get('gw-ratelimit-reset')) / 1_000);
        assert.ok(wait > 0.5 && wait <= 2, `${wait} s`);
        assert.match(await refused.text(), /^\{/);
        await assert.rejects(connect(sim.wsUrl + stream), /418/);
        assert.equal(sim.stats().banned, 2);
        sim.faults.ban({ status: 429, ms: 0 });
        assert.equal((await fetch(sim.restUrl + rest)).status, 200);
      } finally {
        await sim.close();
      }
    });

    test('refuses connections for as long as the longest of several refusals asks', async () => {
      const sim = await start({ symbols: [symbol] });
      try {
        const began = performance.now();
        const refusals = [sim.faults.refuseConnections(150), sim.faults.refuseConnections(50)];
        await assert.rejects(connect(sim.wsUrl + stream), /ECONNREFUSED/);
        await Promise.all(refusals);
        assert.ok(performance.now() - began > 149);
        assert.equal((await fetch(sim.restUrl + rest)).status, 200);
      } finally {
        await sim.close();
      }
    });

    test('waits for its port where another has it when a refusal ends', async () => {
      const sim = await start({ symbols: [symbol] });
      const other = createServer();
      try {
        const back = sim.faults.refuseConnections(1);
        await new Promise<void>((done) => other.listen(sim.port, '127.0.0.1', done));
        setTimeout(() => other.close(), 50);
        await back;
        assert.equal((await fetch(sim.restUrl + rest)).status, 200);
      } finally {
        other.close();
        await sim.close();
      }
    });

    test('started later with the same seed it knows what its predecessor sent, and what was traded in between', async () => {
      const options = { symbols: [symbol], seed: 7, recordFrom: START };
      const whole = await start({ ...options, startAt: START });
      whole.advance(3 * MINUTE);
      const later = await start({ ...options, startAt: START + 2 * MINUTE });
      later.advance(MINUTE);
      try {
        const [expected, known] = [whole.sent(symbol), later.sent(symbol)];
        assert.ok(expected.trades.length > 20 && expected.candles.length === 3);
        assert.deepEqual(told(known), told(expected));
      } finally {
        await Promise.all([whole.close(), later.close()]);
      }
    });
  });
}
