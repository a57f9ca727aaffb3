/** A headless Chromium for the tests of the pages: the one on this machine, driven by playwright-core. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { ServiceUnavailable } from './service.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** No sandbox: tests run as root and load nothing but our own pages. The rest keeps the browser from calling home. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-dev-shm-usage',
];

/** The browser's program. Throws ServiceUnavailable. */
export function chromiumProgram(env: NodeJS.ProcessEnv = process.env): string {
  const folders = (env.PATH ?? '').split(delimiter);
  const found = [env.CHROMIUM_PATH, ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))].find(
    (file) => file && existsSync(file),
  );
  if (!found) {
    throw new ServiceUnavailable(
      'Chromium',
      'not on the PATH',
      'install the package chromium, or set CHROMIUM_PATH to the program',
    );
  }
  return found;
}

/** Starts the browser with a profile of its own; `close` ends it. Throws ServiceUnavailable. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumProgram(), args: FLAGS, headless: true });
}
