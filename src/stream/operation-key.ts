/**
 * Tells whether two subscriptions ask the same: the operation as it will be executed, written in one way. Whitespace,
 * order of arguments, literal or variable, defaults spelled out or not, fragments and directives that variables decide
 * make no difference; aliases and the order of fields do, as they show in the answer.
 */
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isObjectType,
  print,
  type SelectionSetNode,
} from 'graphql';
import { collectorOf } from './selection.ts';

type Values = Record<string, unknown>;

export interface Operation {
  schema: GraphQLSchema;
  /** Valid for the schema. */
  document: DocumentNode;
  operationName?: string | null;
  variableValues?: Readonly<Values> | null;
}

/** JSON with the keys of objects in order; whole numbers of any size as text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'bigint') return `${one}n`;
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/**
 * The key of an operation whose variables are good. `own` are arguments of the root field that do not count. Throws where
 * the document has no such operation.
 */
export function operationKey(given: Operation, own: readonly string[]): string {
  const { schema, document, operationName } = given;
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!root) throw new Error('no such operation');
  const { coerced = {} } = getVariableValues(schema, operation.variableDefinitions ?? [], given.variableValues ?? {});
  const variables = coerced as Values;
  const collect = collectorOf(schema, document, variables);

  function argumentsOf(type: GraphQLObjectType, node: FieldNode, ignored: readonly string[]): string {
    const field = type.getFields()[node.name.value];
    if (!field || field.args.length === 0) return '';
    try {
      const values = getArgumentValues(field, node, variables);
      return canonical(Object.fromEntries(Object.entries(values).filter(([name]) => !ignored.includes(name))));
    } catch {
      // refused when it is executed, with this very spelling
      return `?${print(node)}${canonical(variables)}`;
    }
  }

  function written(type: GraphQLObjectType, sets: readonly SelectionSetNode[], ignored: readonly string[]): string {
    const fields = [...collect(type, sets)].map(([name, nodes]) => {
      const [first] = nodes as [FieldNode];
      const field = type.getFields()[first.name.value];
      const below = field && getNamedType(field.type);
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      const shapes = isAbstractType(below) ? schema.getPossibleTypes(below) : isObjectType(below) ? [below] : [];
      const selected = shapes.map((shape) => `${shape.name}${written(shape, inner, [])}`).join('|');
      return `${name}:${first.name.value}${argumentsOf(type, first, ignored)}${selected}`;
    });
    return `{${fields.join(' ')}}`;
  }

  return written(root, [operation.selectionSet], own);
}
