/** GraphQL type of what a check of the data found. */
import { Field, Int, ObjectType } from 'type-graphql';
import { DateTime, JsonObject } from '../scalars.ts';

@ObjectType('DataQualityResult', {
  description: 'What one check of one dataset found in one run. A failing row stays where it is.',
  simpleResolvers: true,
})
export class DataQualityResult {
  @Field(() => String, {
    description:
      "What was looked at: a table, e.g. silver.kline_1m; c2c_order are the exchange's answers about C2C orders, upbit_24h_ticker those of Upbit's REST API about its markets.",
  })
  dataset!: string;

  @Field(() => String, {
    description:
      'What was looked for: ohlc_order, non_negative, monotone_time, clock, duplicates, coverage, price_jump, or refused for rows that never got into the table. Of c2c_order: form, time and total (amount × unit price), which keep an answer out of the table, status, duplicates, and unknown_field:<name>, which is told once for each name.',
  })
  check!: string;

  @Field(() => Boolean, { description: 'True where no row failed.' })
  passed!: boolean;

  @Field(() => Int, {
    description: 'Rows looked at; of `coverage` the minutes or holes, of `refused` the refused ones.',
  })
  checked!: number;

  @Field(() => Int, { description: 'Rows that failed.' })
  failed!: number;

  @Field(() => [JsonObject], { description: 'Some of those, the earliest first, each with its reason.' })
  sample!: Record<string, unknown>[];

  @Field(() => DateTime, { description: 'When it was looked.' })
  runAt!: Date | number;
}
