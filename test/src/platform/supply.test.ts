import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type ConfigError, readConfig } from '../../../src/platform/config.ts';
import { parseSupply } from '../../../src/platform/supply.ts';

describe('the table of circulating supplies', () => {
  test('is a JSON object or CSV lines', () => {
    const expected = new Map([
      ['BTC', '19900000.5'],
      ['PEPE', '420689899653542'],
    ]);
    assert.deepEqual(parseSupply('{"BTC": "19900000.50", "PEPE": 420689899653542}'), expected);
    assert.deepEqual(parseSupply('BTC,19900000.5\nPEPE,4.20689899653542E14\n'), expected);
    assert.deepEqual(parseSupply('\uFEFFbase,supply\r\nBTC, 19900000.5\r\n\r\nPEPE,420689899653542'), expected);
  });

  for (const [text, problem] of [
    ['', /is empty/],
    ['{}', /is empty/],
    ['{"BTC": }', /not JSON/],
    ['{"BTC": [1]}', /"BTC": the supply is no number/],
    ['{"btc": "1"}', /"btc": must be an asset in capitals/],
    ['BTC,0', /"BTC": the supply must be above 0/],
    ['BTC,-4', /above 0/],
    ['BTC,1\nBTC,2', /"BTC": is there twice/],
    ['BTC,1\nETH', /line 2: must be base,supply/],
    ['BTC,1\nETH,1,2', /line 2/],
    ['BTC,1\nETH,many', /"ETH": the supply must be above 0/],
  ] as const) {
    test(`is refused with what is wrong: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseSupply(text), problem);
    });
  }

  test('is read at the start, where what is wrong with it is told with the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tickgraph-supply-'));
    try {
      const file = join(folder, 'supply.json');
      await writeFile(file, '{"BTC": "19900000"}');
      assert.equal(readConfig({ SUPPLY_FILE: file }).SUPPLY_FILE?.get('BTC'), '19900000');
      await writeFile(file, '{"BTC": "many"}');
      assert.throws(
        () => readConfig({ SUPPLY_FILE: file, PORT: 'x' }),
        (error: ConfigError) =>
          error.problems.some((p) => p.startsWith('SUPPLY_FILE: ') && p.includes(file) && p.includes('"BTC"')) &&
          error.problems.some((p) => p.startsWith('PORT: ')),
      );
      assert.throws(() => readConfig({ SUPPLY_FILE: join(folder, 'none') }), /SUPPLY_FILE: .*can't be read/);
      assert.equal(readConfig({}).SUPPLY_FILE, null);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
