/** GraphQL types of captured changes. */
import { ArgsType, Field, ID, Int, ObjectType } from 'type-graphql';
import type { CdcOperation as Operation } from '../cdc.ts';
import type { SlowConsumerPolicy as Policy } from '../channels.ts';
import { Cursor, DateTime, JsonObject } from '../scalars.ts';
import { RangeArgs, ResumeArgs } from './arguments.ts';
import { describedEnum, SlowConsumerPolicy } from './enums.ts';
import { PageInfo } from './page.ts';
import { StreamEvent } from './stream.ts';

export const CdcOperation = describedEnum<Operation>('CdcOperation', 'What a change does to a row or table.', {
  CREATE: 'A row was inserted.',
  UPDATE: 'A row was changed. A change of its key comes as DELETE and CREATE.',
  DELETE: 'A row was deleted.',
  READ: 'A row as a snapshot found it: what is, not what changed.',
  TRUNCATE: 'Every row of the table was deleted.',
});

type Row = Readonly<Record<string, unknown>>;

@ObjectType('CdcRecord', {
  description:
    'One captured change. In rows, decimals and whole numbers past 2^53 are text, instants ISO 8601 in UTC; names of counterparties are masked unless the caller holds the merchant role.',
  simpleResolvers: true,
})
export class CdcRecord {
  @Field(() => ID, { description: 'The same for every delivery of the change.' })
  id!: string;

  @Field(() => String, { description: 'schema.table, e.g. public.c2c_order.' })
  table!: string;

  @Field(() => CdcOperation, { description: 'What happened.' })
  op!: Operation;

  @Field(() => JsonObject, { nullable: true, description: 'Primary key of the row. Null for TRUNCATE.' })
  key!: Row | null;

  @Field(() => JsonObject, {
    nullable: true,
    description:
      'Of a change of the key the other one: of its DELETE the new key, of its CREATE the old one. Null for any other change.',
  })
  relatedKey!: Row | null;

  @Field(() => JsonObject, {
    nullable: true,
    description: 'The row before, as far as it is known; null where there was none or nothing is.',
  })
  before!: Row | null;

  @Field(() => JsonObject, { nullable: true, description: 'The row after; null where there is none.' })
  after!: Row | null;

  @Field(() => [String], {
    description:
      'Names of the columns that changed; of an UPDATE whose old row is not known, of those that may have. Empty for READ and TRUNCATE.',
  })
  changed!: readonly string[];

  @Field(() => [String], {
    description: 'Columns that `after` lacks: the change left them as they were, and their value was not captured.',
  })
  unchanged!: readonly string[];

  @Field(() => String, {
    nullable: true,
    description:
      "Place in the database's log, a whole number as text. Several rows may share it. Null in an incremental snapshot.",
  })
  lsn!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The transaction: changes with the same one were committed together.',
  })
  txId!: string | null;

  @Field(() => DateTime, { description: 'When it was committed; of READ, when it was read.' })
  sourceTime!: Date | number;
}

@ObjectType('CdcRecordConnection', { description: 'A page of captured changes.', simpleResolvers: true })
export class CdcRecordConnection {
  @Field(() => [CdcRecord], { description: 'Newest first.' })
  nodes!: CdcRecord[];

  @Field(() => PageInfo, { description: 'Where the page ends.' })
  pageInfo!: PageInfo;

  @Field(() => Cursor, { description: 'Where cdcEvent of the same table continues after these rows.' })
  liveCursor!: () => string;
}

@ObjectType('CdcEvent', { implements: StreamEvent, description: 'One captured change.', simpleResolvers: true })
export class CdcStreamEvent extends StreamEvent {
  @Field(() => CdcRecord, { description: 'The change.' })
  record!: CdcRecord;
}

@ArgsType()
export class CdcArgs {
  @Field(() => String, { description: 'schema.table, e.g. public.c2c_order.' })
  table!: string;

  @Field(() => [CdcOperation], { nullable: true, description: 'Only these operations, at least one; left out: all.' })
  op?: Operation[] | null;
}

@ArgsType()
export class CdcPageArgs extends CdcArgs {
  @Field(() => Int, { defaultValue: 50, description: 'Page size, 1 to 1,000.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description: 'Page position: `endCursor` of the page before, of the same table and operations.',
  })
  after?: string | null;
}

@ArgsType()
export class CdcStreamArgs extends ResumeArgs {
  @Field(() => SlowConsumerPolicy, {
    defaultValue: 'DISCONNECT',
    description: 'What happens when changes arrive faster than they are read. Changes are never merged.',
  })
  onSlow!: Policy;
}

@ArgsType()
export class C2cWindowArgs extends RangeArgs {
  @Field(() => String, { nullable: true, description: 'Only this currency, e.g. VND.' })
  fiat?: string | null;
}
