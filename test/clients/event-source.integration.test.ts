/** A plain EventSource in a browser, as the guide writes it, goes on by itself while its connection is cut. */
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { chromiumProgram, startChromium } from '../support/chromium.ts';
import { withService } from '../support/service.ts';
import { recipe } from './recipes.ts';
import { type Served, serve } from './served.ts';
import { checkTrades, TRADES } from './trades.ts';

await withService(
  'EventSource in a browser',
  async () => chromiumProgram(),
  () => {
    let served: Served;
    let browser: Browser;
    before(async () => {
      served = await serve();
      browser = await startChromium();
    });
    after(async () => {
      await browser?.close();
      await served.stop();
    });

    test('event-source.js: no hole, no repeat', { timeout: 60_000 }, async () => {
      const page = await browser.newPage();
      // any page of the server's own origin
      await page.goto(new URL('/healthz', served.http).href);
      const code = `data:text/javascript,${encodeURIComponent(await recipe('event-source.js'))}`;
      await checkTrades(served, async (show) => {
        await page.exposeFunction('show', show);
        await page.evaluate(
          `import(${JSON.stringify(code)}).then(({ follow }) => { window.stop = follow('/graphql', ${JSON.stringify(TRADES)}, {}, window.show); })`,
        );
        return () => page.evaluate('window.stop()');
      });
    });
  },
);
