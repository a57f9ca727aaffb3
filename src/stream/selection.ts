/** What a selection set asks of an object type: CollectFields of the specification, 6.3.2, with fragments dissolved. */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

/** Fields by response name, in the order of the answer; those of one name are merged. */
export type Selected = Map<string, FieldNode[]>;

/** Collects for a valid document; `variables` are coerced. The result takes the selection sets of one object together. */
export function collectorOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Variables,
): (type: GraphQLObjectType, sets: readonly SelectionSetNode[]) => Selected {
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

  function collect(type: GraphQLObjectType, set: SelectionSetNode, found: Selected, visited: Set<string>): void {
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

  return (type, sets) => {
    const found: Selected = new Map();
    const visited = new Set<string>();
    for (const set of sets) collect(type, set, found, visited);
    return found;
  };
}
