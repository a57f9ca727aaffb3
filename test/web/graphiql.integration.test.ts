import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { subscribe } from 'graphql';
import type { Browser, Page } from 'playwright-core';
import { type ApiServer, startApiServer } from '../../src/platform/http/api.ts';
import { EXAMPLES } from '../../web/graphiql/examples.ts';
import { testPlatform } from '../src/platform/http/fixture.ts';
import { chromiumProgram, startChromium } from '../support/chromium.ts';
import { withService } from '../support/service.ts';
import { exampleSchema } from './graphiql-schema.ts';

const TOKEN = 'reader-0123456789abcdef';

await withService(
  'GraphiQL in Chromium',
  async () => chromiumProgram(),
  () => {
    let browser: Browser;
    const servers: ApiServer[] = [];
    before(async () => {
      browser = await startChromium();
    });
    after(async () => {
      await browser?.close();
      await Promise.all(servers.map((server) => server.stop()));
    });

    async function start(env: NodeJS.ProcessEnv = {}): Promise<ApiServer> {
      const platform = testPlatform(env);
      const server = await startApiServer({ platform, schema: exampleSchema(), subscribe, contextFor: () => ({}) });
      servers.push(server);
      return server;
    }

    /** A page, what it asked of other hosts, and what it complained about. */
    async function openPage(url: string): Promise<{ page: Page; foreign: string[]; complaints: string[] }> {
      const page = await browser.newPage({ viewport: { width: 1400, height: 800 } });
      const foreign: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).host !== new URL(url).host)
          foreign.push(request.url());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('requestfailed', (request) => complaints.push(`${request.url()} ${request.failure()?.errorText}`));
      await page.goto(url, { waitUntil: 'load' });
      // a tab that is chosen before the editors are there changes nothing
      await editorShows(page, EXAMPLES[0]!.name);
      return { page, foreign, complaints };
    }

    const editorShows = (page: Page, text: string) =>
      page.locator('.graphiql-query-editor .view-lines', { hasText: text }).waitFor({ timeout: 15_000 });
    async function tab(page: Page, name: string): Promise<void> {
      await page.locator('.graphiql-tab-button', { hasText: name }).click();
      await editorShows(page, name);
    }
    const run = (page: Page) => page.locator('.graphiql-execute-button').click();
    /** Waits until the response shows the text. */
    const shows = (page: Page, text: RegExp) =>
      page.waitForFunction(
        ([source]) => new RegExp(source!).test(document.querySelector('.result-window')?.textContent ?? ''),
        [text.source] as const,
        { timeout: 15_000 },
      );

    test('the page comes whole from the server, / leads to it, and nothing is asked of anyone else', async () => {
      const server = await start();
      const { page, foreign, complaints } = await openPage(`${server.url}/`);
      assert.match(page.url(), /\/graphiql$/);
      await tab(page, 'Markets');
      await run(page);
      await shows(page, /BTC-USDT/);
      await tab(page, 'CandlesClosing');
      await run(page);
      await shows(page, /"isClosed"/);
      // events go on arriving: the sequence moves
      await shows(page, /"sequence":\s*"[3-9]"/);
      // the language services run in workers of ours
      await page.waitForFunction(() =>
        performance.getEntriesByType('resource').some(({ name }) => /graphql\.worker\.js$/.test(name)),
      );
      assert.deepEqual(foreign, []);
      assert.deepEqual(complaints, []);
      await page.close();
    });

    test('every example is a valid operation of the contract and answers', async () => {
      const server = await start();
      const { page, complaints } = await openPage(`${server.url}/graphiql`);
      for (const [name, text] of [
        ['TradesTicking', /"side"/],
        ['BookMoving', /"snapshot"/],
        ['TickerMoving', /"changePercent24h"/],
        ['MarketNow', /"spreadBps"/],
      ] as const) {
        await tab(page, name);
        await run(page);
        await shows(page, text);
        // the same button stops what runs
        if (name !== 'MarketNow') await run(page);
      }
      assert.deepEqual(complaints, []);
      await page.close();
    });

    test("the tab's headers carry a token for queries and subscriptions", async () => {
      const server = await start({ HOST: '0.0.0.0', ACCESS_TOKENS: `${TOKEN}:reader` });
      const { page } = await openPage(`http://127.0.0.1:${server.port}/graphiql`);
      await tab(page, 'Markets');
      await run(page);
      await shows(page, /UNAUTHENTICATED/);
      for (const [name, text] of [
        ['Markets', /BTC-USDT/],
        ['TradesTicking', /"side"/],
      ] as const) {
        await tab(page, name);
        await page.getByRole('button', { name: 'Headers', exact: true }).click();
        await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .monaco-editor').first().click();
        await page.keyboard.insertText(`{"authorization": "Bearer ${TOKEN}"}`);
        await run(page);
        await shows(page, text);
      }
      await page.close();
    });
  },
);
