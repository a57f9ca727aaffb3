/** A plain EventSource in a browser, as the guide writes it, goes on by itself while its connection is cut. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { metrics } from '../../src/platform/metrics.ts';
import { trade, tradeAppend } from '../resolvers/samples.ts';
import { openSocket } from '../src/platform/graphql/client.ts';
import { chromiumProgram, startChromium } from '../support/chromium.ts';
import { withService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { recipe } from './recipes.ts';
import { type Served, serve } from './served.ts';
import { checkTrades, TRADES } from './trades.ts';

await withService(
  'EventSource in a browser',
  async () => chromiumProgram(),
  () => {
    let browser: Browser;
    const all: Served[] = [];
    before(async () => {
      browser = await startChromium();
    });
    after(async () => {
      await browser?.close();
      await Promise.all(all.map((served) => served.stop()));
    });

    async function start(env: NodeJS.ProcessEnv = {}): Promise<Served> {
      const served = await serve(env);
      all.push(served);
      return served;
    }

    /** Runs the recipe in a page of the server's own origin. */
    async function follow(served: Served, show: (event: Record<string, unknown>) => void): Promise<() => unknown> {
      const page = await browser.newPage();
      await page.goto(new URL('/healthz', served.http).href);
      const code = `data:text/javascript,${encodeURIComponent(await recipe('event-source.js'))}`;
      await page.exposeFunction('show', show);
      await page.evaluate(
        `import(${JSON.stringify(code)}).then(({ follow }) => { window.stop = follow('/graphql', ${JSON.stringify(TRADES)}, {}, window.show); })`,
      );
      return () => page.evaluate('window.stop()');
    }

    test('event-source.js: no hole, no repeat', { timeout: 60_000 }, async () => {
      const served = await start();
      await checkTrades(served, (show) => follow(served, show));
    });

    test('event-source.js: goes on after the server was restarted', { timeout: 60_000 }, async () => {
      const served = await start();
      const shown: number[] = [];
      let produced = 0;
      const produce = async (): Promise<void> => {
        produced += 1;
        await served.live.append([tradeAppend(trade(Date.now(), String(produced)))]);
      };
      const stop = await follow(served, (event) => {
        shown.push(Number((event.trade as { tradeId: string }).tradeId));
      });
      await until('the first trade', async () => {
        await produce();
        return shown.length > 0;
      });
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 10; i++) await produce();
        await served.restart();
        for (let i = 0; i < 10; i++) await produce();
        await until('all of them', () => shown.at(-1) === produced, { timeoutMs: 20_000 });
      }
      const [first = 0] = shown;
      assert.deepEqual(
        shown,
        Array.from({ length: produced - first + 1 }, (_, i) => first + i),
      );
      await stop();
    });

    test('event-source.js: goes on where it was refused, and anew where its place is gone', {
      timeout: 60_000,
    }, async () => {
      const served = await start({ MAX_SOCKETS_PER_ADDRESS: '1' });
      const shown: number[] = [];
      let produced = 0;
      const produce = async (count: number, maxLength = 10_000): Promise<void> => {
        for (let i = 0; i < count; i++) {
          produced += 1;
          await served.live.append([{ ...tradeAppend(trade(Date.now(), String(produced))), maxLength }]);
        }
      };
      const stop = await follow(served, (event) => {
        shown.push(Number((event.trade as { tradeId: string }).tradeId));
      });
      const refusals = async (): Promise<number> =>
        (await metrics.refused.get()).values.find(({ labels }) => labels.limit === 'MAX_SOCKETS_PER_ADDRESS')?.value ??
        0;
      await until('the first trade', async () => {
        await produce(1);
        return shown.length > 0;
      });
      await served.cut();
      // takes the one place that there is
      const other = await until('the place to be free', () => openSocket(served.direct));
      await other.init();
      await produce(5);
      await until('it to be refused twice', async () => (await refusals()) >= 2);
      await produce(5);
      other.socket.terminate();
      await until('all of them', () => shown.at(-1) === produced);
      const [first = 0] = shown;
      assert.deepEqual(
        shown,
        Array.from({ length: produced - first + 1 }, (_, i) => first + i),
      );

      await served.proxy.set('reset');
      await produce(20, 2);
      await served.proxy.set('pass');
      const gone = produced;
      await until('the newest', async () => {
        await produce(1, 2);
        return (shown.at(-1) ?? 0) > gone;
      });
      const after = shown.slice(shown.findIndex((n) => n > gone));
      assert.deepEqual(
        after,
        after.map((_, i) => (after[0] ?? 0) + i),
      );
      await stop();
    });
  },
);
