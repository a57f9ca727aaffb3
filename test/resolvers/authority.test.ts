import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { checkRole } from '../../resolvers/authority.ts';
import type { Context } from '../../resolvers/context.ts';
import { buildTickgraphSchema } from '../../resolvers/index.ts';
import type { Role } from '../../src/platform/setting.ts';
import { MarketDocument, TradeExecutedDocument } from '../generated/graphql.ts';
import { BTC } from './samples.ts';
import { createWorld, noPostgres } from './world.ts';

const world = createWorld(noPostgres);
after(() => world.stop());

const asks = (role: Role, roles: Role[]): boolean => {
  const context = { caller: { role } } as Context;
  const info = { fieldName: 'x' } as GraphQLResolveInfo;
  return checkRole({ root: null, args: {}, context, info }, roles) as boolean;
};

test('a role may do what the ones before it may, and nothing beyond', () => {
  for (const [role, needed, may] of [
    ['reader', 'reader', true],
    ['merchant', 'reader', true],
    ['admin', 'merchant', true],
    ['reader', 'merchant', false],
    ['merchant', 'admin', false],
  ] as const) {
    if (may) assert.ok(asks(role, [needed]));
    else {
      assert.throws(
        () => asks(role, [needed]),
        (e) => e instanceof GraphQLError && e.extensions.code === 'FORBIDDEN',
      );
    }
  }
});

test('every root field asks for a role, subscriptions before they follow anything', async () => {
  const nobody = { role: 'nobody' as Role, local: false };
  const refusal = await world.refusal(MarketDocument, BTC, nobody);
  assert.equal(refusal.code, 'FORBIDDEN');
  const schema = buildTickgraphSchema();
  const args = { exchange: 'BINANCE', symbol: 'BTC-USDT', interval: 'M1', depth: 1, first: 1, onSlow: 'DISCONNECT' };
  for (const type of [schema.getQueryType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const run = field.subscribe ?? field.resolve;
      const context = { caller: nobody, loaders: null } as unknown as Context;
      await assert.rejects(
        async () => run?.({}, args, context, { fieldName: field.name } as GraphQLResolveInfo),
        (error) => error instanceof GraphQLError && error.extensions.code === 'FORBIDDEN',
        field.name,
      );
    }
  }
  assert.equal(world.core.hub.followed, 0);
  assert.ok(TradeExecutedDocument);
});
