/** GraphQL type of a run of a pipeline. */
import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { RunStatus as Status } from '../pipelines.ts';
import { DateTime } from '../scalars.ts';
import { describedEnum } from './enums.ts';

export const RunStatus = describedEnum<Status>('RunStatus', 'How far a run of a pipeline, or one of its tasks, is.', {
  QUEUED: 'Asked for; a process takes it up within a second or two.',
  RUNNING: 'Under way. One whose process died is taken up by another within half a minute.',
  SUCCEEDED: 'Done.',
  FAILED: 'Given up, or this attempt failed and another one follows; `error` says why.',
  SKIPPED: 'Left out: a task that it needs failed, or the settings do not allow it; `error` says which.',
});

@ObjectType('PipelineRun', {
  description: 'A run of a pipeline as a whole, or one attempt at one of its tasks.',
  simpleResolvers: true,
})
export class PipelineRun {
  @Field(() => ID, { description: 'Of this row.' })
  id!: string;

  @Field(() => ID, { description: 'The same in all rows of one run.' })
  runId!: string;

  @Field(() => String, { description: 'Which pipeline, e.g. daily_batch_processing.' })
  pipeline!: string;

  @Field(() => String, { description: 'Which of its tasks; empty for the run as a whole.' })
  task!: string;

  @Field(() => RunStatus, { description: 'How far it is.' })
  status!: Status;

  @Field(() => DateTime, { description: 'When it began; of one that is QUEUED, when it was asked for.' })
  startedAt!: Date | number;

  @Field(() => DateTime, { nullable: true, description: 'When it ended; null while it is under way.' })
  finishedAt!: Date | number | null;

  @Field(() => Int, { nullable: true, description: 'Rows (pages, objects) read; of a run those of all its tasks.' })
  rowsIn!: number | null;

  @Field(() => Int, { nullable: true, description: 'Rows written; of a run those of all its tasks.' })
  rowsOut!: number | null;

  @Field(() => Int, { nullable: true, description: 'How far a task is, out of `total`.' })
  done!: number | null;

  @Field(() => Int, { nullable: true, description: 'What `done` will come to; null where that is not known.' })
  total!: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Why it failed or was left out; of a failure, callers below the role admin are told no more than that.',
  })
  error!: string | null;

  @Field(() => Int, {
    description: 'Which attempt at the task, from 1; of a run, how often it was taken up.',
  })
  attempt!: number;
}
