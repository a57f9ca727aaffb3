/** What every event of a subscription carries besides its content. */
import { Field, Int, InterfaceType, ObjectType } from 'type-graphql';
import type { GapReason as Reason, StreamStart as Start } from '../channels.ts';
import { Cursor } from '../scalars.ts';
import { GapReason, StreamStart } from './enums.ts';

@ObjectType('StreamGap', {
  description: 'Events that this subscriber did not get, told on the next event that it does get.',
  simpleResolvers: true,
})
export class StreamGap {
  @Field(() => Int, { nullable: true, description: 'How many; null where the number cannot be known.' })
  missed!: number | null;

  @Field(() => GapReason, { description: 'Why they are missing.' })
  reason!: Reason;
}

@InterfaceType('StreamEvent', {
  description: '`sequence` grows by exactly 1 from event to event of a stream (filters and policies apart).',
  resolveType: () => undefined,
})
export abstract class StreamEvent {
  @Field(() => Cursor, { simple: true, description: 'Position of this event in its stream.' })
  cursor!: string;

  @Field(() => String, { simple: true, description: 'Number of this event in its stream, a whole number as text.' })
  sequence!: string;

  @Field(() => StreamStart, {
    simple: true,
    nullable: true,
    description: 'On the first event of a subscription, and on a fresh snapshot after a loss; else null.',
  })
  start!: Start | null;

  @Field(() => StreamGap, {
    simple: true,
    nullable: true,
    description: 'What is missing before this event; null where nothing is.',
  })
  gap!: StreamGap | null;
}
