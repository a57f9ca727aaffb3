/** The table of circulating supplies: which file it is, what it may look like. */
import { readFileSync } from 'node:fs';
import { compareDecimals, decimal, isDecimal } from '../../schema/decimal.ts';

/** Base asset → units in circulation. */
export type Supply = ReadonlyMap<string, string>;

const ASSET = /^[A-Z0-9]{1,20}$/;

function* entriesOfJson(text: string): Generator<[string, string]> {
  let table: unknown;
  try {
    table = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  if (table === null || typeof table !== 'object' || Array.isArray(table))
    throw new Error('is no object of base: supply');
  for (const [base, value] of Object.entries(table)) {
    if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`"${base}": the supply is no number`);
    yield [base, String(value)];
  }
}

function* entriesOfCsv(text: string): Generator<[string, string]> {
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [base = '', supply, ...rest] = line.split(',').map((cell) => cell.trim());
    if (supply === undefined || rest.length > 0) throw new Error(`line ${i + 1}: must be base,supply`);
    // a first line without a number names the columns
    if (i > 0 || isDecimal(supply)) yield [base, supply];
  }
}

/**
 * The table in a text: a JSON object `{"BTC": "19900000"}`, or CSV lines `BTC,19900000` with or without a line of names.
 * Throws Error with what is wrong and where.
 */
export function parseSupply(text: string): Supply {
  const content = text.replace(/^\uFEFF/, '').trim();
  const table = new Map<string, string>();
  for (const [base, value] of content.startsWith('{') ? entriesOfJson(content) : entriesOfCsv(content)) {
    if (!ASSET.test(base)) throw new Error(`"${base}": must be an asset in capitals, e.g. BTC`);
    if (table.has(base)) throw new Error(`"${base}": is there twice`);
    if (!isDecimal(value) || compareDecimals(value, '0') <= 0) throw new Error(`"${base}": the supply must be above 0`);
    table.set(base, decimal(value));
  }
  if (table.size === 0) throw new Error('is empty');
  return table;
}

/** The table in a file; null for no name. Throws Error with the file and what is wrong. */
export function readSupply(file: string): Supply | null {
  if (file === '') return null;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`"${file}" can't be read: ${(error as Error).message}`);
  }
  try {
    return parseSupply(text);
  } catch (error) {
    throw new Error(`"${file}": ${(error as Error).message}`);
  }
}
