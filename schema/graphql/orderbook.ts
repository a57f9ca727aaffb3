/** GraphQL types of order books. */
import { Field, Float, ObjectType } from 'type-graphql';
import type { LiveBook } from '../live/book.ts';
import type { Exchange as ExchangeName, BookIntegrity as IntegrityName } from '../market.ts';
import { Cursor, DateTime, Decimal } from '../scalars.ts';
import { BookIntegrity, Exchange } from './enums.ts';
import { StreamEvent } from './stream.ts';

@ObjectType('PriceLevel', { description: 'What is on offer at one price.', simpleResolvers: true })
export class PriceLevel {
  @Field(() => Decimal, { description: 'Price of one unit of base in quote.' })
  price!: string;

  @Field(() => Decimal, { description: 'Quantity of the base asset; in a change, 0 removes the level.' })
  quantity!: string;
}

@ObjectType('OrderBook', { description: 'An order book at one moment.', simpleResolvers: true })
export class OrderBook {
  /** All levels that are kept, for what is worked out over more than the levels returned. */
  book!: LiveBook;

  @Field(() => Exchange, { description: 'Where it is traded.' })
  exchange!: ExchangeName;

  @Field(() => String, { description: 'Canonical symbol BASE-QUOTE, e.g. BTC-USDT.' })
  symbol!: string;

  @Field(() => [PriceLevel], { description: 'Best (highest) first, at most `depth`.' })
  bids!: PriceLevel[];

  @Field(() => [PriceLevel], { description: 'Best (lowest) first, at most `depth`.' })
  asks!: PriceLevel[];

  @Field(() => Decimal, {
    nullable: true,
    description: 'Half way between the best prices; null where a side is empty.',
  })
  mid!: string | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Distance of the best prices in hundredths of a percent of `mid`.',
  })
  spreadBps!: number | null;

  @Field(() => Float, {
    nullable: true,
    description:
      '(bid volume - ask volume) / (bid volume + ask volume) over the returned levels, -1..1; null for an empty book.',
  })
  imbalance!: number | null;

  @Field(() => String, { nullable: true, description: "The exchange's own update id, where it has one." })
  bookSequence!: string | null;

  @Field(() => BookIntegrity, { description: 'How the book is known to be whole.' })
  integrity!: IntegrityName;

  @Field(() => DateTime, { description: "When the book was like this, by the exchange's clock." })
  time!: Date | number;

  @Field(() => Cursor, { description: 'Where orderBookUpdated continues from this very state.' })
  liveCursor!: string;
}

@ObjectType('OrderBookEvent', {
  implements: StreamEvent,
  description: 'A snapshot first, then changes: a quantity of 0 removes the level.',
  simpleResolvers: true,
})
export class OrderBookStreamEvent extends StreamEvent {
  @Field(() => Boolean, { description: 'True where the levels replace everything known before.' })
  snapshot!: boolean;

  @Field(() => [PriceLevel], { description: 'Bids of the snapshot, best first, or changed bids.' })
  bids!: PriceLevel[];

  @Field(() => [PriceLevel], { description: 'Asks of the snapshot, best first, or changed asks.' })
  asks!: PriceLevel[];

  @Field(() => String, {
    description:
      'CRC-32 (unsigned, decimal) over the best min(10, depth) levels of each side after applying the event: price:quantity joined by commas, bids, a vertical bar, asks; canonical decimals, best first.',
  })
  checksum!: string;

  @Field(() => DateTime, { description: "When the book was like this, by the exchange's clock." })
  time!: Date | number;
}
