/**
 * An operation worked out before its events: what to read, in which order, and how to write it as JSON. An answer with
 * anything out of the ordinary in it (an error, a null that may not be one, a promise) is left to graphql-js, so that a
 * plan either writes what graphql-js would, or nothing.
 */
import {
  defaultFieldResolver,
  type ExecutionArgs,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getArgumentValues,
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

const step = (before: string, key: string | null, write: Write): Step => ({
  ...{ before, key, write },
  ...{ last: NOTHING, written: '' },
});

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

/**
 * The plan of a valid operation whose variables are good, and whose root field resolves by `resolveRoot`. Null where part
 * of it can't be known before the event: other resolvers, interfaces and unions.
 */
export function planOf(operation: ExecutionArgs, resolveRoot: RootResolver): Plan | null {
  const { schema, document, operationName, variableValues } = operation;
  if (operation.fieldResolver || operation.typeResolver) return null;
  const definition = getOperationAST(document, operationName);
  const root = definition && schema.getRootType(definition.operation);
  if (!root) return null;
  const { coerced } = getVariableValues(schema, definition.variableDefinitions ?? [], variableValues ?? {});
  if (!coerced) return null;
  const variables: Variables = coerced;
  const collect = collectorOf(schema, document, variables);

  function writer(type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Write {
    if (isNonNullType(type)) return valueWriter(type.ofType, sets);
    return nullable(valueWriter(type, sets));
  }

  // a null gets as far as here only where there must be none
  function valueWriter(type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Write {
    if (isListType(type)) return list(writer(type.ofType, sets));
    if (isLeafType(type)) return leaf(type);
    if (isObjectType(type) && !type.isTypeOf) return object(stepsOf(type, sets, null));
    throw IRREGULAR;
  }

  function stepsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[], resolve: RootResolver | null): Step[] {
    return [...collect(type, sets)].map(([name, nodes], i): Step => {
      const before = `${i === 0 ? '' : ','}"${name}":`;
      const [node] = nodes;
      if (node?.name.value === '__typename') return step(before, null, () => `"${type.name}"`);
      const field = node && type.getFields()[node.name.value];
      if (!field) throw IRREGULAR;
      getArgumentValues(field, node, variables);
      const write = writer(
        field.type,
        nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
      );
      const given: unknown = field.resolve ?? defaultFieldResolver;
      if (given !== (resolve ?? defaultFieldResolver)) throw IRREGULAR;
      return step(before, field.name, write);
    });
  }

  try {
    const steps = stepsOf(root, [definition.selectionSet], resolveRoot);
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
  } catch {
    return null;
  }
}
