/**
 * Bounds on what one document may ask for, checked before validation: validating a hostile document is what costs. A
 * fragment is measured once however often it is spread, so measuring is linear in the document's length.
 */
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { clientError, type ErrorCode } from '../../../schema/errors.ts';
import type { Config } from '../config.ts';
import { metrics } from '../metrics.ts';

/** Fields of one selection set under the same name; comparing them is quadratic. */
const MAX_DUPLICATE_FIELDS = 10;
/** Directives of one operation. */
const MAX_DIRECTIVES = 20;
/** Arguments that say how long a list is. */
const PAGE_SIZES: readonly string[] = ['first', 'depth'];
/** What a list counts whose length nothing says. */
const UNKNOWN_LENGTH = 10;

export type QueryLimits = Pick<Config, 'MAX_QUERY_DEPTH' | 'MAX_QUERY_TOKENS' | 'MAX_QUERY_ALIASES' | 'MAX_QUERY_COST'>;

export interface Measure {
  /** Fields inside fields; introspection does not count, graphql-js bounds it. */
  depth: number;
  aliases: number;
  directives: number;
  /** Most fields of one selection set under one name. */
  duplicates: number;
  /** Objects that may be read: a list counts its page size times what one entry costs. */
  cost: number;
  introspects: boolean;
  /** True where the cost depends on a variable. */
  byVariable: boolean;
}

const NOTHING: Measure = {
  depth: 0,
  aliases: 0,
  directives: 0,
  duplicates: 0,
  cost: 0,
  introspects: false,
  byVariable: false,
};

/** One after the other, at the same level. */
function beside(a: Measure, b: Measure): Measure {
  return {
    depth: Math.max(a.depth, b.depth),
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
    duplicates: Math.max(a.duplicates, b.duplicates),
    cost: a.cost + b.cost,
    introspects: a.introspects || b.introspects,
    byVariable: a.byVariable || b.byVariable,
  };
}

type Variables = Readonly<Record<string, unknown>>;

/**
 * The measure of the document's largest operation. A variable that is not given counts as its default. An invalid document is
 * measured as far as it makes sense.
 */
export function measure(schema: GraphQLSchema, document: DocumentNode, variables: Variables = {}): Measure {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const done = new Map<string, Measure>();
  const given = { ...defaultsOf(document), ...variables };
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }

  function ofFragment(name: string, inPage: boolean): Measure {
    const key = `${inPage}:${name}`;
    const known = done.get(key);
    if (known) return known;
    // a fragment met inside itself: validation refuses the cycle
    done.set(key, NOTHING);
    const node = fragments.get(name);
    const type = node && schema.getType(node.typeCondition.name.value);
    const found = node ? beside(ofSet(node.selectionSet, type, inPage), ofDirectives(node.directives)) : NOTHING;
    done.set(key, found);
    return found;
  }

  function ofField(node: FieldNode, parent: GraphQLNamedType | undefined, inPage: boolean): Measure {
    const name = node.name.value;
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    const type = field && getNamedType(field.type);
    const size = pageSize(node, field?.args ?? [], given);
    const isList = field !== undefined && isListType(getNullableType(field.type));
    const paged = size !== null;
    const children = node.selectionSet ? ofSet(node.selectionSet, type, paged && !isList) : NOTHING;
    const times = size?.value ?? (isList && !inPage && !isLeafType(type) ? UNKNOWN_LENGTH : 1);
    const introspects = name === '__schema' || name === '__type';
    // a list is its entries, anything else is one object and what is in it; a plain value costs nothing
    const own = node.selectionSet || (node.arguments?.length ?? 0) > 0 ? 1 : 0;
    const cost = isList ? times * (own + children.cost) : own + times * children.cost;
    return beside(
      {
        ...children,
        depth: introspects ? 1 : 1 + children.depth,
        aliases: children.aliases + (node.alias ? 1 : 0),
        cost: introspects ? 1 : cost,
        introspects: introspects || children.introspects,
        byVariable: children.byVariable || (size?.byVariable ?? false),
      },
      ofDirectives(node.directives),
    );
  }

  function ofSet(set: SelectionSetNode, parent: GraphQLNamedType | undefined, inPage: boolean): Measure {
    const names = new Map<string, number>();
    let total = NOTHING;
    let duplicates = 0;
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value;
        const times = (names.get(key) ?? 0) + 1;
        names.set(key, times);
        duplicates = Math.max(duplicates, times);
        total = beside(total, ofField(node, parent, inPage));
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        const type = node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent;
        total = beside(beside(total, ofSet(node.selectionSet, type, inPage)), ofDirectives(node.directives));
      } else {
        total = beside(beside(total, ofFragment(node.name.value, inPage)), ofDirectives(node.directives));
      }
    }
    return { ...total, duplicates: Math.max(total.duplicates, duplicates) };
  }

  let largest = NOTHING;
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    const root = schema.getRootType(node.operation) ?? undefined;
    const one = beside(ofSet(node.selectionSet, root, false), ofDirectives(node.directives));
    const defaults = (node.variableDefinitions ?? []).reduce((n, v) => n + (v.directives?.length ?? 0), 0);
    largest = {
      ...beside(largest, one),
      aliases: Math.max(largest.aliases, one.aliases),
      directives: Math.max(largest.directives, one.directives + defaults),
      cost: Math.max(largest.cost, one.cost),
    };
  }
  return largest;
}

/** Whole-number defaults of the variables, the greatest where operations differ. */
function defaultsOf(document: DocumentNode): Record<string, number> {
  const found: Record<string, number> = {};
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable, defaultValue } of node.variableDefinitions ?? []) {
      if (defaultValue?.kind !== Kind.INT) continue;
      found[variable.name.value] = Math.max(found[variable.name.value] ?? 0, Number(defaultValue.value));
    }
  }
  return found;
}

function ofDirectives(directives: readonly DirectiveNode[] | undefined): Measure {
  return directives?.length ? { ...NOTHING, directives: directives.length } : NOTHING;
}

/** The page size that a field is asked for; null where it has no such argument. What is no count is 1, execution refuses it. */
function pageSize(
  node: FieldNode,
  args: readonly { name: string; defaultValue?: unknown }[],
  variables: Variables,
): { value: number; byVariable: boolean } | null {
  const arg = args.find(({ name }) => PAGE_SIZES.includes(name));
  if (!arg) return null;
  const given = node.arguments?.find(({ name }) => name.value === arg.name)?.value;
  const byVariable = given?.kind === Kind.VARIABLE;
  const asked = byVariable ? variables[given.name.value] : given?.kind === Kind.INT ? Number(given.value) : undefined;
  const value = asked === undefined ? arg.defaultValue : asked;
  return { value: typeof value === 'number' && value >= 1 ? value : 1, byVariable };
}

/** The refusal of a request that is over a limit; `limit` is the setting's name. */
export function overLimit(code: ErrorCode, what: string, limit: string, max: number): GraphQLError {
  metrics.refused.inc({ limit });
  return clientError(code, `${what}; the limit is ${max} (${limit}).`, { limit, max, http: { status: 400 } });
}

/** The first limit that the measure is over; null where it is within all. */
export function checkLimits(measured: Measure, limits: QueryLimits): GraphQLError | null {
  const checks: [string, number, number, (n: number) => string][] = [
    ['MAX_QUERY_DEPTH', measured.depth, limits.MAX_QUERY_DEPTH, (n) => `The operation is nested ${n} fields deep`],
    ['MAX_QUERY_ALIASES', measured.aliases, limits.MAX_QUERY_ALIASES, (n) => `The operation has ${n} aliases`],
    ['MAX_DIRECTIVES', measured.directives, MAX_DIRECTIVES, (n) => `The operation has ${n} directives`],
    ['MAX_DUPLICATE_FIELDS', measured.duplicates, MAX_DUPLICATE_FIELDS, (n) => `A field is selected ${n} times over`],
    ['MAX_QUERY_COST', measured.cost, limits.MAX_QUERY_COST, (n) => `The operation costs ${n}`],
  ];
  const over = checks.find(([, value, max]) => value > max);
  return over ? overLimit('QUERY_TOO_COMPLEX', over[3](over[1]), over[0], over[2]) : null;
}
