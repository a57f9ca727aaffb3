/**
 * The premium of BTC in KRW over two months of captured minutes, held against where the market was known to be.
 * `CAPTURES=<folder> node --import tsx bench/premium.ts`; without the folder it says so and ends. Exit code 1: it lies elsewhere.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ONE, shown, units } from '../ingestion/arbitrage/fixed.ts';
import { premiumOf } from '../ingestion/arbitrage/premium.ts';

interface Month {
  month: string;
  minutes: string;
  fx: string;
  /** Where KRW per USDT of BTC's two prices was, in whole won, both inclusive. */
  ratio: [low: bigint, high: bigint];
}

const MONTHS: readonly Month[] = [
  { month: '2024-10', minutes: '20241001-20241104', fx: 'fx.USDKRW.daily.202409-202412.csv', ratio: [1_320n, 1_407n] },
  {
    ...{ month: '2025-01', minutes: '20250101-20250204', fx: 'fx.USDKRW_USDTKRW.daily.202501-202502.csv' },
    ratio: [1_460n, 1_601n],
  },
];

const folder = process.env.CAPTURES ?? '';
if (!existsSync(folder)) {
  console.log('CAPTURES names no folder of captures: nothing was computed');
  process.exit(0);
}

function rows(file: string): string[][] {
  const [, ...lines] = readFileSync(join(folder, file), 'utf8').trim().split('\n');
  return lines.map((line) => line.trim().split(','));
}

/** Closing prices by minute. */
const closes = (file: string): Map<string, string> =>
  new Map(rows(file).map(([time = '', , , , close = '']) => [time, close]));

/** KRW per USD and USDT by day; where only the dollar is known, USDT is taken for one. Days without a rate have the one before. */
function ratesOf(file: string): (day: string) => { reference: string; fx: string } | null {
  const known = rows(file)
    // that many places are those of a float
    .map(([day = '', first = '', second = '']) => ({ day, reference: Number(first).toFixed(4), second }))
    .map(({ day, reference, second }) => ({
      ...{ day, reference, fx: file.includes('USDTKRW') ? Number(second).toFixed(4) : reference },
    }));
  return (day) => known.findLast((rate) => rate.day <= day) ?? null;
}

let right = true;
for (const { month, minutes, fx, ratio } of MONTHS) {
  const usdt = closes(`klines.binance.BTCUSDT.1m.${minutes}.csv`);
  const rateOf = ratesOf(fx);
  const ratios: bigint[] = [];
  const premiums: bigint[] = [];
  for (const [time, krw] of closes(`klines.upbit.KRW-BTC.1m.${minutes}.csv`)) {
    const price = usdt.get(time);
    if (!time.startsWith(month) || price === undefined) continue;
    ratios.push((units(krw) * ONE) / units(price));
    const rates = rateOf(time.slice(0, 10));
    if (rates) premiums.push(units(premiumOf(krw, price, rates.fx, rates.reference).totalPercent));
  }
  const range = (values: readonly bigint[]): [bigint, bigint] => {
    const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return [sorted[0] ?? 0n, sorted.at(-1) ?? 0n];
  };
  const [low, high] = range(ratios);
  // the bounds are whole won
  const fits = low >= ratio[0] * ONE - ONE / 2n && high < ratio[1] * ONE + ONE / 2n && ratios.length > 0;
  right &&= fits;
  const text = (values: readonly bigint[], places: number): string =>
    range(values)
      .map((n) => shown({ n, d: ONE }, places))
      .join(' to ');
  console.log(
    `${month}: ${ratios.length} minutes, KRW per USDT ${text(ratios, 1)} (known: ${ratio.join(' to ')}), ` +
      `premium over the dollar ${text(premiums, 2)} %: ${fits ? 'right' : 'WRONG'}`,
  );
}
process.exit(right ? 0 : 1);
