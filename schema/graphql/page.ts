/** What every page of a list ends with. */
import { Field, ObjectType } from 'type-graphql';

@ObjectType('PageInfo', { description: 'Where a page ends.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'True where more rows follow in this order.' })
  hasNextPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Hand it back as `after` of the same list to get the next page; null for an empty page.',
  })
  endCursor!: string | null;
}
