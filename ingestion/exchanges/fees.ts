/** What a taker pays where it is not the exchange's base rate: the setting TAKER_FEES over the connectors' defaults. */
import type { MarketInfo } from '../../schema/market.ts';
import { ConfigError } from '../../src/platform/config.ts';
import type { TakerFee } from '../../src/platform/setting.ts';

const nameOf = ({ pattern }: TakerFee): string => `${pattern.exchange.toLowerCase()}:${pattern.symbol}`;

/** Throws ConfigError for fees that are said twice or of markets that are not followed: a slip of the pen is not ignored. */
export function checkFees(fees: readonly TakerFee[], markets: readonly MarketInfo[]): void {
  const names = fees.map(nameOf);
  const problems = fees.flatMap((fee, i) => {
    const { exchange, symbol } = fee.pattern;
    if (names.indexOf(names[i] as string) < i) return [`TAKER_FEES: ${names[i]} is given twice`];
    const applies = markets.some((m) => m.exchange === exchange && (symbol === '*' || m.symbol === symbol));
    return applies ? [] : [`TAKER_FEES: ${names[i]} is not among the MARKETS that are followed`];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The markets with the fees given for them; a market's own goes before its exchange's. */
export function withFees(markets: readonly MarketInfo[], fees: readonly TakerFee[]): MarketInfo[] {
  const byName = new Map(fees.map((fee) => [nameOf(fee), fee.percent]));
  return markets.map((market) => {
    const exchange = market.exchange.toLowerCase();
    const percent = byName.get(`${exchange}:${market.symbol}`) ?? byName.get(`${exchange}:*`);
    return percent === undefined ? market : { ...market, takerFeePercent: percent };
  });
}
