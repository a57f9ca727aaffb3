/** Captured changes: pages of them, and each as it is captured. */
import { Args, Authorized, Ctx, Query, Resolver, Subscription } from 'type-graphql';
import { CDC_OPERATIONS, CDC_TABLES, type CdcChange, type CdcOperation, maskChange } from '../schema/cdc.ts';
import { CHANNELS } from '../schema/channels.ts';
import { badInput } from '../schema/errors.ts';
import {
  CdcArgs,
  CdcPageArgs,
  type CdcRecord,
  CdcRecordConnection,
  CdcStreamArgs,
  CdcStreamEvent,
} from '../schema/graphql/cdc.ts';
import type { Role } from '../src/platform/setting.ts';
import type { FilterKeys } from '../src/stream/filter.ts';
import { type LiveSource, liveSource } from '../src/stream/source.ts';
import { NoState, nextEvents } from '../src/stream/view.ts';
import { READER, seesNames } from './authority.ts';
import { cdcPage, cdcQuestion, recordOf } from './cdc-store.ts';
import { checkFirst, MAX_PAGE, pagePosition } from './checks.ts';
import type { Context } from './context.ts';
import { followed } from './live.ts';

interface Asked {
  table: string;
  /** In their own order, each once; null for all. */
  op: readonly CdcOperation[] | null;
}

function askedOf({ table, op }: CdcArgs): Asked {
  const tables = Object.keys(CDC_TABLES);
  if (!tables.includes(table)) throw badInput('table', `must be a captured table: ${tables.join(', ')}`);
  if (op == null) return { table, op: null };
  if (op.length === 0) throw badInput('op', 'must name at least one operation');
  const wanted = CDC_OPERATIONS.filter((one) => op.includes(one));
  return { table, op: wanted.length === CDC_OPERATIONS.length ? null : wanted };
}

/** What a role may see of a record. */
function shownTo(role: Role): (record: CdcRecord) => CdcRecord {
  return seesNames(role) ? (record) => record : maskChange;
}

/** Each choice of operations is a key of its own, so that a filter is looked up and not tried. */
const CHOICES = Array.from({ length: 2 ** CDC_OPERATIONS.length }, (_, bits) =>
  CDC_OPERATIONS.filter((_, i) => bits & (1 << i)),
);
const KEYS: FilterKeys<CdcChange> = {
  equal: Object.fromEntries(
    CHOICES.map((ops) => [ops.join(), ({ op }: CdcChange) => (ops.includes(op) ? 'yes' : null)]),
  ),
};

@Resolver()
export class CdcResolver {
  @Authorized(READER)
  @Query(() => CdcRecordConnection, { description: 'Captured changes of a table, newest first.' })
  cdcRecords(
    @Args(() => CdcPageArgs) args: CdcPageArgs,
    @Ctx() { platform, caller }: Context,
  ): Promise<CdcRecordConnection> {
    const asked = askedOf(args);
    checkFirst(args.first, MAX_PAGE);
    const [after = null] = pagePosition(cdcQuestion(asked), args.after, 1) ?? [];
    return cdcPage(platform, { ...asked, first: args.first, after }, shownTo(caller.role));
  }

  @Authorized(READER)
  @Subscription(() => CdcStreamEvent, {
    description:
      'Every change of a table from now on, complete: who reads too slowly is told so and goes on from its cursor. Changes of a row come in the order in which they were committed. A change that could not be read is kept in the dead letters and is not in the stream; operators are alarmed.',
    subscribe: followed,
  })
  cdcEvent(
    @Args(() => CdcArgs) args: CdcArgs,
    @Args(() => CdcStreamArgs) { after = null, onSlow }: CdcStreamArgs,
    @Ctx() { caller }: Context,
  ): LiveSource {
    const { table, op } = askedOf(args);
    const shown = shownTo(caller.role);
    return liveSource(
      {
        field: 'cdcEvent',
        channel: 'cdc',
        id: table,
        latestKey: null,
        view: 'all',
        ...(op && { filter: { keys: KEYS, wanted: { equal: { [op.join()]: 'yes' }, atLeast: null } } }),
        createModel: () => new NoState<CdcChange>(),
        createView: nextEvents<CdcChange>,
        contentOf: (change: CdcChange) => ({ record: shown(recordOf(change)) }),
        mergeKey: CHANNELS.cdc.mergeKey,
      },
      after,
      onSlow,
    );
  }
}
