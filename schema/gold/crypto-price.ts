/** gold.crypto_price: a row a minute, each base's price on every venue. */
import { Amount, Choice, Table, Text, Time } from '../columns.ts';
import { Exchange } from '../graphql/enums.ts';
import type { Exchange as ExchangeName } from '../market.ts';

@Table({
  schema: 'gold',
  name: 'crypto_price',
  type: 'CryptoPrice',
  description: "An asset's price in one market at the end of a minute.",
})
export class CryptoPrice {
  @Text({ primary: true, description: 'The asset, e.g. BTC.' })
  base!: string;

  @Time({ primary: true, description: 'First millisecond of the minute.' })
  minute!: Date | number;

  @Choice(Exchange, { primary: true, description: 'Where it is traded.' })
  exchange!: ExchangeName;

  @Text({ primary: true, description: 'Canonical symbol BASE-QUOTE, e.g. BTC-KRW.' })
  symbol!: string;

  @Amount({ description: "Last price of the minute in the market's quote asset." })
  price!: string;

  @Amount({
    nullable: true,
    description:
      "The same in USDT, at the same minute's price of the quote asset: the venue's own where it has one, else another venue's; null where none is known.",
  })
  priceUsdt!: string | null;

  @Time({})
  eventTime!: Date | number;
}
