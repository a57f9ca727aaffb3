/**
 * An operation worked out before its events: what to read, in which order, and how to write it as JSON. An answer with
 * anything out of the ordinary in it (an error, a null that may not be one, a promise) is left to graphql-js, so that a
 * plan either writes what graphql-js would, or nothing.
 */
import {
  defaultFieldResolver,
  type ExecutionArgs,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import { asciiJson } from '../platform/graphql/outlet.ts';
import { collectorOf, type Variables } from './selection.ts';

/** The `data` of the result for a root value as ASCII JSON; null where graphql-js has to work it out. */
export type Plan = (root: object) => string | null;

/** A resolver that has nothing to go by but the root value. */
export type RootResolver = (root: never) => unknown;

/** Writes a value as JSON; throws where that is not for a plan to do. */
type Write = (value: unknown) => string;

class Irregular extends Error {}
const IRREGULAR = new Irregular();

/** In JSON as it is: printable ASCII but for the quote and the backslash. */
const PLAIN = /^[ !#-[\]-~]*$/;

function text(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : asciiJson(JSON.stringify(value));
}

function isWaiting(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function leaf(type: GraphQLLeafType): Write {
  return (value) => {
    if (value === null || value === undefined) throw IRREGULAR;
    const serialized = type.serialize(value);
    switch (typeof serialized) {
      case 'string':
        return text(serialized);
      case 'number':
        return Number.isFinite(serialized) ? String(serialized) : 'null';
      case 'boolean':
        return serialized ? 'true' : 'false';
      case 'object':
        if (serialized === null) throw IRREGULAR;
        return asciiJson(JSON.stringify(serialized));
      default:
        throw IRREGULAR;
    }
  };
}

function nullable(write: Write): Write {
  return (value) => (value === null || value === undefined ? 'null' : write(value));
}

function list(write: Write): Write {
  return (value) => {
    if (!Array.isArray(value)) throw IRREGULAR;
    let written = '[';
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (item instanceof Error || isWaiting(item)) throw IRREGULAR;
      written += i === 0 ? write(item) : `,${write(item)}`;
    }
    return `${written}]`;
  };
}

interface Step {
  /** What comes before the value. */
  readonly before: string;
  /** The property that is read; null for a value that is always the same. */
  readonly key: string | null;
  readonly write: Write;
  /** The value that was written last where it is no object, and what was written: most fields of an event are as before. */
  last: unknown;
  written: string;
}

/** No value of an event is this one. */
const NOTHING = Symbol('nothing');

function object(steps: readonly Step[]): Write {
  return (value) => {
    if (typeof value !== 'object' || value === null || value instanceof Error || isWaiting(value)) throw IRREGULAR;
    let written = '{';
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const one = step.key === null ? null : (value as Variables)[step.key];
      if (one === step.last) {
        written += step.written;
      } else if (typeof one !== 'object') {
        if (typeof one === 'function') throw IRREGULAR;
        step.written = step.before + step.write(one);
        step.last = one;
        written += step.written;
      } else {
        if (one !== null && (one instanceof Error || 'then' in one)) throw IRREGULAR;
        written += step.before + step.write(one);
      }
    }
    return `${written}}`;
  };
}

/** A field that is asked for, under the name that it has in the answer. */
interface Asked {
  readonly name: string;
  /** Null for `__typename`. */
  readonly field: GraphQLField<unknown, unknown> | null;
  /** Of the object that it leads to; null where it leads to none. */
  readonly below: Selection | null;
}

interface Selection {
  readonly type: GraphQLObjectType;
  readonly asked: readonly Asked[];
}

/** What an operation asks for. Throws where part of it can't be known before the event. */
function selectionOf(operation: ExecutionArgs, resolveRoot: RootResolver): Selection {
  const { schema, document, operationName, variableValues } = operation;
  const definition = getOperationAST(document, operationName);
  const root = definition && schema.getRootType(definition.operation);
  if (!root || operation.fieldResolver || operation.typeResolver) throw IRREGULAR;
  const { coerced } = getVariableValues(schema, definition.variableDefinitions ?? [], variableValues ?? {});
  if (!coerced) throw IRREGULAR;
  const variables: Variables = coerced;
  const collect = collectorOf(schema, document, variables);

  function select(type: GraphQLObjectType, sets: readonly SelectionSetNode[], resolve: unknown): Selection {
    const asked = [...collect(type, sets)].map(([name, nodes]): Asked => {
      const [node] = nodes;
      if (node?.name.value === '__typename') return { name, field: null, below: null };
      const field = node && type.getFields()[node.name.value];
      if (!field || (field.resolve ?? defaultFieldResolver) !== resolve) throw IRREGULAR;
      getArgumentValues(field, node, variables);
      const to = getNamedType(field.type);
      if (isLeafType(to)) return { name, field, below: null };
      if (!isObjectType(to) || to.isTypeOf) throw IRREGULAR;
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      return { name, field, below: select(to, inner, defaultFieldResolver) };
    });
    return { type, asked };
  }

  return select(root, [definition.selectionSet], resolveRoot);
}

/** Selections of one type with the same key are the same. */
function keyOf({ asked }: Selection): string {
  return `{${asked
    .map(({ name, field, below }) => `${name}:${field?.name ?? ''}${below ? keyOf(below) : ''}`)
    .join(' ')}}`;
}

function writer(type: GraphQLOutputType, below: Selection | null): Write {
  return isNonNullType(type) ? valueWriter(type.ofType, below) : nullable(valueWriter(type, below));
}

// a null gets as far as here only where there must be none
function valueWriter(type: GraphQLOutputType, below: Selection | null): Write {
  if (isListType(type)) return list(writer(type.ofType, below));
  if (below) return object(stepsOf(below));
  if (isLeafType(type)) return leaf(type);
  throw IRREGULAR;
}

function stepsOf({ type, asked }: Selection): Step[] {
  return asked.map(({ name, field, below }, i) => {
    const before = `${i === 0 ? '' : ','}"${name}":`;
    const key = field?.name ?? null;
    const write = field ? writer(field.type, below) : () => `"${type.name}"`;
    return { before, key, write, last: NOTHING, written: '' };
  });
}

function build(selection: Selection, resolveRoot: RootResolver): Plan {
  const steps = stepsOf(selection);
  return (value) => {
    try {
      let written = '{';
      for (const { before, key, write } of steps) {
        const one = key === null ? null : resolveRoot(value as never);
        if (one instanceof Error || isWaiting(one)) return null;
        written += before + write(one);
      }
      return `${written}}`;
    } catch {
      // graphql-js comes to the same, and says where
      return null;
    }
  };
}

/**
 * Plans by what is asked for: questions that differ only in their arguments share one, so that many of them do not push
 * each other out of the processor's caches. Begun anew before they are many.
 */
const known = new WeakMap<GraphQLSchema, Map<string, Plan>>();
const MAX_KNOWN = 1_000;

/**
 * The plan of a valid operation whose variables are good, and whose root field resolves by `resolveRoot`, one function a
 * schema. Null where part of it can't be known before the event: other resolvers, interfaces and unions.
 */
export function planOf(operation: ExecutionArgs, resolveRoot: RootResolver): Plan | null {
  try {
    const { schema } = operation;
    const selection = selectionOf(operation, resolveRoot);
    const plans = known.get(schema) ?? new Map<string, Plan>();
    known.set(schema, plans);
    const key = `${selection.type.name}${keyOf(selection)}`;
    let plan = plans.get(key);
    if (!plan) {
      if (plans.size >= MAX_KNOWN) plans.clear();
      plan = build(selection, resolveRoot);
      plans.set(key, plan);
    }
    return plan;
  } catch {
    return null;
  }
}
