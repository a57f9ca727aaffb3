/**
 * A subscription is about one field, whatever its variables: `@skip` and `@include` may not decide on that one
 * (https://spec.graphql.org/September2025/#sec-Single-Root-Field). graphql-js does not say so: it executes nothing, or trips over
 * a variable it has no value for yet.
 */
import { type DirectiveNode, type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';

const CONDITIONS: readonly string[] = ['skip', 'include'];

/** What is wrong with the document in this; null where nothing is. It need not be valid. */
export function conditionalRoot(document: DocumentNode): GraphQLError | null {
  const fragments = new Map<string, SelectionSetNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node.selectionSet);
  }

  function find({ selections }: SelectionSetNode, visited: Set<string>): DirectiveNode | undefined {
    for (const node of selections) {
      const own = node.directives?.find(({ name }) => CONDITIONS.includes(name.value));
      if (own) return own;
      let below = node.kind === Kind.INLINE_FRAGMENT ? node.selectionSet : undefined;
      if (node.kind === Kind.FRAGMENT_SPREAD && !visited.has(node.name.value)) {
        visited.add(node.name.value);
        below = fragments.get(node.name.value);
      }
      const found = below && find(below, visited);
      if (found) return found;
    }
    return undefined;
  }

  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION || node.operation !== 'subscription') continue;
    const directive = find(node.selectionSet, new Set());
    if (directive) {
      const message = `A subscription's root field can't be subject to @${directive.name.value}.`;
      return new GraphQLError(message, { nodes: directive });
    }
  }
  return null;
}
