/**
 * One order of the simulated merchant. An order is a pure function of the seed and its slot of time, and so is what becomes of
 * it: any moment of any order can be told on its own, and is the same in every run.
 */
import { hash, unit } from '../market/seeded.ts';

/** Share of a slot: 50,000 orders in 18 months of 30.4 days. */
export const SLOT_MS = 946_080;

export type Side = 'BUY' | 'SELL';

/** As the API says it; the newer fields are left out of answers of the older generation. */
export interface SimOrder {
  orderNumber: string;
  advNo: string;
  tradeType: Side;
  asset: string;
  fiat: string;
  fiatSymbol: string;
  amount: string;
  totalPrice: string;
  unitPrice: string;
  orderStatus: string;
  createTime: number;
  commission: string;
  counterPartNickName: string;
  payMethodName: string;
  additionalKycVerify: number;
  takerCommissionRate: string;
  takerCommission: string;
  takerAmount: string;
  advertisementRole: 'MAKER' | 'TAKER';
}

interface Fiat {
  name: string;
  symbol: string;
  share: number;
  perUsd: number;
  decimals: number;
  pay: readonly string[];
}

const FIATS: readonly Fiat[] = [
  { name: 'VND', symbol: '₫', share: 0.45, perUsd: 26_100, decimals: 0, pay: ['BANK', 'MoMo', 'ZaloPay'] },
  { name: 'CNY', symbol: '￥', share: 0.25, perUsd: 7.15, decimals: 2, pay: ['BANK', 'ALIPAY', 'WECHAT'] },
  { name: 'KRW', symbol: '₩', share: 0.18, perUsd: 1_440, decimals: 1, pay: ['BANK', 'KakaoPay'] },
  { name: 'USD', symbol: '$', share: 0.12, perUsd: 1, decimals: 3, pay: ['BANK', 'Zelle', 'Wise'] },
];
const ASSETS = [
  { name: 'USDT', share: 0.78, usd: 1, least: 20, most: 4_000, decimals: 2 },
  { name: 'BTC', share: 0.14, usd: 84_000, least: 0.0004, most: 0.09, decimals: 6 },
  { name: 'FDUSD', share: 0.08, usd: 0.999, least: 20, most: 2_500, decimals: 2 },
] as const;
const SYLLABLES = [
  'an',
  'bel',
  'cor',
  'dun',
  'eri',
  'fos',
  'gal',
  'hui',
  'jin',
  'kem',
  'lor',
  'min',
  'nae',
  'ong',
  'pim',
];
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const DAY = 24 * HOUR;
/** One of so many orders takes days for every step: with one in 2.7 days, some are in every status at any time. */
const SLOW_EVERY = 250;
const SLOW_STEPS = ['TRADING', 'BUYER_PAYED', 'DISTRIBUTING', 'IN_APPEAL'];

function pick<T extends { share: number }>(choices: readonly T[], at: number): T {
  let left = at;
  for (const choice of choices) {
    left -= choice.share;
    if (left < 0) return choice;
  }
  return choices[0] as T;
}

/** `value` of so many decimals, spelled out. */
function spelled(value: bigint, decimals: number): string {
  const digits = value.toString().padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function nameOf(chance: (n: number) => number): string {
  const syllable = (n: number): string => SYLLABLES[Math.floor(chance(n) * SYLLABLES.length)] as string;
  const word = (n: number): string => {
    const text = syllable(n) + syllable(n + 1);
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  return chance(39) < 0.5 ? `${word(30).slice(0, 2)}***` : `${word(30)} ${word(33)}`;
}

type Life = readonly (readonly [after: number, status: string])[];

function slowLife(chance: (n: number) => number): Life {
  let after = 0;
  const step = (n: number): number => {
    after += Math.floor((3 + chance(n) * 7) * DAY);
    return after;
  };
  const open = SLOW_STEPS.map((status, i) => [step(40 + i), status] as const);
  return [[0, 'PENDING'], ...open, [step(44), chance(45) < 0.6 ? 'COMPLETED' : 'CANCELLED']];
}

/** When (ms after it was made) an order comes to which status. */
function lifeOf(seed: number, slot: number): Life {
  const chance = (n: number): number => unit(seed, slot, n);
  if ((slot + seed) % SLOW_EVERY === 0) return slowLife(chance);
  const wait = (n: number, least: number, most: number): number => Math.floor(least + chance(n) * (most - least));
  const trading = wait(21, 5 * SECOND, 30 * SECOND);
  const paid = trading + wait(22, MINUTE, 10 * MINUTE);
  const begin = [[0, 'PENDING'] as const, [trading, 'TRADING'] as const];
  const end = chance(23);
  if (end < 0.08) return [...begin, [trading + wait(24, 2 * MINUTE, 14 * MINUTE), 'CANCELLED']];
  if (end < 0.12) return [...begin, [trading + 15 * MINUTE, 'CANCELLED_BY_SYSTEM']];
  if (end < 0.14) {
    const appeal = paid + 15 * MINUTE;
    const outcome = chance(26) < 0.6 ? 'COMPLETED' : 'CANCELLED';
    return [...begin, [paid, 'BUYER_PAYED'], [appeal, 'IN_APPEAL'], [appeal + wait(25, HOUR, 3 * DAY), outcome]];
  }
  const given = paid + wait(27, 20 * SECOND, 5 * MINUTE);
  return [
    ...begin,
    [paid, 'BUYER_PAYED'],
    [given, 'DISTRIBUTING'],
    [given + wait(28, 2 * SECOND, 20 * SECOND), 'COMPLETED'],
  ];
}

/** Where an order of the slot stands in time and on which side: what a list is made by. */
export function sketchOf(seed: number, slot: number): { createTime: number; tradeType: Side } {
  return {
    createTime: slot * SLOT_MS + Math.floor(unit(seed, slot, 1) * SLOT_MS),
    tradeType: unit(seed, slot, 2) < 0.47 ? 'BUY' : 'SELL',
  };
}

/** Status at `now`, and since when (epoch ms). */
export function statusOf(seed: number, slot: number, now: number): { status: string; since: number } {
  const { createTime } = sketchOf(seed, slot);
  const steps = lifeOf(seed, slot).filter(([after]) => createTime + after <= now);
  const [after, status] = steps.at(-1) ?? [0, 'PENDING'];
  return { status, since: createTime + after };
}

/** The order of a slot as it is at `now`. */
export function orderOf(seed: number, slot: number, now: number): SimOrder {
  const chance = (n: number): number => unit(seed, slot, n);
  const { createTime, tradeType } = sketchOf(seed, slot);
  const fiat = pick(FIATS, chance(3));
  const asset = pick(ASSETS, chance(4));
  const season = 1 + 0.04 * Math.sin(createTime / (20 * 86_400_000)) * (asset.name === 'BTC' ? 4 : 0.5);
  const margin = tradeType === 'BUY' ? 0.996 : 1.004;
  const priceDecimals = asset.name === 'BTC' ? Math.min(fiat.decimals, 2) : fiat.decimals;
  const price = asset.usd * fiat.perUsd * season * margin * (1 + (chance(5) - 0.5) * 0.006);
  const unitPrice = BigInt(Math.round(price * 10 ** priceDecimals));
  const step = 10 ** asset.decimals;
  const amount =
    BigInt(Math.max(1, Math.floor((asset.least + chance(6) ** 3 * (asset.most - asset.least)) * step))) *
    10n ** BigInt(8 - asset.decimals);
  // amount has 8 decimals, and so has the total: the product, rounded half up
  const scale = 10n ** BigInt(priceDecimals);
  const total = (amount * unitPrice * 2n + scale) / (2n * scale);
  const role = chance(7) < 0.8 ? 'MAKER' : 'TAKER';
  const { status } = statusOf(seed, slot, now);
  const fee = status === 'COMPLETED' ? amount / 1_000n : 0n;
  return {
    orderNumber: `20${createTime}${String(hash(seed, slot, 8) % 100_000).padStart(5, '0')}`,
    advNo: `11${String(hash(seed, slot % 40, 9)).padStart(18, '0')}`,
    ...{ tradeType, asset: asset.name, fiat: fiat.name, fiatSymbol: fiat.symbol },
    amount: spelled(amount, 8),
    totalPrice: spelled(total, 8),
    unitPrice: spelled(unitPrice, priceDecimals),
    ...{ orderStatus: status, createTime },
    commission: role === 'MAKER' ? spelled(fee, 8) : '0',
    counterPartNickName: nameOf(chance),
    payMethodName: fiat.pay[Math.floor(chance(10) * fiat.pay.length)] as string,
    additionalKycVerify: Math.floor(chance(11) * 3),
    takerCommissionRate: role === 'TAKER' ? '0.001' : '0',
    takerCommission: role === 'TAKER' ? spelled(fee, 8) : '0',
    takerAmount: role === 'TAKER' ? spelled(amount, 8) : '0',
    advertisementRole: role,
  };
}
