/**
 * Tells whether two subscriptions ask the same: the operation as it will be executed, written in one way. Whitespace,
 * order of arguments, literal or variable, defaults spelled out or not, fragments and directives that variables decide
 * make no difference; aliases and the order of fields do, as they show in the answer.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isObjectType,
  Kind,
  print,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

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
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }

  function isIncluded(node: SelectionNode): boolean {
    if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.if === true) return false;
    return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.if !== false;
  }

  function applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const other = schema.getType(condition);
    return isAbstractType(other) && schema.isSubType(other, type);
  }

  /** CollectFields of the specification, 6.3.2: by response name, fragments dissolved. */
  function collect(
    type: GraphQLObjectType,
    set: SelectionSetNode,
    found: Map<string, FieldNode[]>,
    visited: Set<string>,
  ): void {
    for (const node of set.selections) {
      if (!isIncluded(node)) continue;
      if (node.kind === Kind.FIELD) {
        const name = node.alias?.value ?? node.name.value;
        const known = found.get(name);
        if (known) known.push(node);
        else found.set(name, [node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (applies(node.typeCondition?.name.value, type)) collect(type, node.selectionSet, found, visited);
      } else if (!visited.has(node.name.value)) {
        visited.add(node.name.value);
        const fragment = fragments.get(node.name.value);
        if (fragment && applies(fragment.typeCondition.name.value, type)) {
          collect(type, fragment.selectionSet, found, visited);
        }
      }
    }
  }

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
    const found = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const set of sets) collect(type, set, found, visited);
    const fields = [...found].map(([name, nodes]) => {
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
