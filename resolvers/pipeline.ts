/** Runs of pipelines: what became of them, and asking for one. */
import { Arg, Authorized, Ctx, Int, Mutation, Query, Resolver } from 'type-graphql';
import { badInput, clientError } from '../schema/errors.ts';
import { PipelineRun } from '../schema/graphql/pipeline.ts';
import { isPipeline, PIPELINES } from '../schema/pipelines.ts';
import { queueRun } from '../src/platform/postgres/queue-run.ts';
import { ADMIN, READER } from './authority.ts';
import { required } from './availability.ts';
import { checkFirst, MAX_PAGE } from './checks.ts';
import type { Context } from './context.ts';
import { newestRuns, wholeRun } from './pipeline-store.ts';

function checkName(pipeline: string): void {
  if (!isPipeline(pipeline)) throw badInput('pipeline', `must be one of ${PIPELINES.join(', ')}`, { known: PIPELINES });
}

@Resolver()
export class PipelineResolver {
  @Authorized(READER)
  @Query(() => [PipelineRun], {
    description: 'Runs of pipelines and attempts at their tasks, newest first. They are kept for RETENTION_RUNS_DAYS.',
  })
  pipelineRuns(
    @Arg('pipeline', () => String, { nullable: true, description: 'Only of this pipeline.' })
    pipeline: string | null | undefined,
    @Arg('first', () => Int, { defaultValue: 20, description: 'How many, 1 to 1,000.' })
    first: number,
    @Ctx() { platform, caller }: Context,
  ): Promise<PipelineRun[]> {
    checkFirst(first, MAX_PAGE);
    if (pipeline != null) checkName(pipeline);
    return newestRuns(platform.postgres, caller.role, { pipeline: pipeline ?? null, first });
  }

  @Authorized(ADMIN)
  @Mutation(() => PipelineRun, {
    description:
      'Asks for a run of a pipeline and answers it, QUEUED; one that is queued or under way already is answered instead, and no second one begins. `pipelineRuns` tells what becomes of it. For the role admin.',
  })
  async runPipeline(
    @Arg('pipeline', () => String, { description: 'Which one, e.g. daily_batch_processing.' })
    pipeline: string,
    @Ctx() { platform, caller, jobs }: Context,
  ): Promise<PipelineRun> {
    checkName(pipeline);
    if (!jobs) throw clientError('NOT_SUPPORTED', 'runPipeline: this server has no queue');
    const id = await required(queueRun(jobs, platform.postgres, pipeline));
    const run = await wholeRun(platform.postgres, caller.role, id);
    if (!run) throw new Error(`run ${id} is not in the record`);
    return run;
  }
}
