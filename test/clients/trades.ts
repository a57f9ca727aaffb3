/** Trades that are numbered, so that a hole or a repeat shows. */
import assert from 'node:assert/strict';
import { trade, tradeAppend } from '../resolvers/samples.ts';
import { until } from '../support/until.ts';
import type { Served } from './served.ts';

export const TRADES = `subscription ($after: Cursor) {
  tradeExecuted(exchange: BINANCE, symbol: "BTC-USDT", after: $after) { cursor sequence gap { missed } trade { tradeId } }
}`;

let produced = 0;

async function produce(served: Served, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    produced += 1;
    await served.live.append([tradeAppend(trade(Date.now(), String(produced)))]);
  }
}

/** Follows trades as they happen while every socket is cut some times: each is shown once, in order. */
export async function checkTrades(
  served: Served,
  follow: (show: (event: Record<string, unknown>) => void) => (() => unknown) | Promise<() => unknown>,
): Promise<void> {
  const shown: number[] = [];
  const stop = await follow((event) => shown.push(Number((event.trade as { tradeId: string }).tradeId)));
  // a stream of trades begins with the next one
  await until('the first trade', async () => {
    await produce(served, 1);
    return shown.length > 0;
  });
  for (let round = 0; round < 3; round++) {
    await produce(served, 20);
    await served.cut();
    await produce(served, 20);
    await until('all of them', () => shown.at(-1) === produced);
  }
  await stop();
  const [first = 0] = shown;
  assert.deepEqual(
    shown,
    Array.from({ length: produced - first + 1 }, (_, i) => first + i),
  );
}
