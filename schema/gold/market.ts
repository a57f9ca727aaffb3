/** gold.market: what the exchanges' own lists say of their markets. */
import { Field, ID } from 'type-graphql';
import { Amount, Choice, Table, Text, Time } from '../columns.ts';
import { Exchange, MarketStatus } from '../graphql/enums.ts';
import type { Exchange as ExchangeName, MarketStatus as StatusName } from '../market.ts';

@Table({ schema: 'gold', name: 'market', type: 'Market', description: 'One market of one exchange.' })
export class Market {
  @Field(() => ID, { description: 'exchange:symbol, stable; for normalised client caches.' })
  id!: string;

  @Choice(Exchange, { primary: true, description: 'Where it is traded.' })
  exchange!: ExchangeName;

  @Text({ primary: true, description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT, on every exchange.' })
  symbol!: string;

  @Text({ description: "The exchange's own spelling, e.g. BTCUSDT, KRW-BTC." })
  nativeSymbol!: string;

  @Text({ description: 'The asset that is bought and sold, e.g. BTC.' })
  base!: string;

  @Text({ description: 'The asset that it is paid in, e.g. USDT.' })
  quote!: string;

  @Choice(MarketStatus, { description: 'What the exchange says of it.' })
  status!: StatusName;

  @Amount({
    nullable: true,
    description:
      'Smallest step of a price, on Upbit at the present one; null where the exchange does not tell it (Bithumb).',
  })
  tickSize!: string | null;

  @Amount({
    nullable: true,
    description: 'Smallest step of a quantity; null where the exchange does not tell it (Upbit, Bithumb).',
  })
  lotSize!: string | null;

  @Amount({
    description:
      'What a taker pays, in percent: TAKER_FEES where that names it, else the lowest tier without discounts.',
  })
  takerFeePercent!: string;

  @Time({ default: 'now()' })
  updatedAt!: Date;
}
