/**
 * The document that events of a subscription to many streams are executed with. Which streams it follows was settled when
 * it began; graphql-js would read the whole list anew for every event.
 */
import { type ArgumentNode, type DocumentNode, Kind, visit } from 'graphql';

/** The argument that lists what is followed. */
const LIST = 'markets';

/** The document with that list empty, and without variables that nothing else uses. It must be valid. */
export function eventDocument(document: DocumentNode): DocumentNode {
  const emptied = visit(document, {
    Argument: (node): ArgumentNode | undefined =>
      node.name.value === LIST ? { ...node, value: { kind: Kind.LIST, values: [] } } : undefined,
  });
  const used = new Set<string>();
  visit(emptied, {
    // what defines a variable does not use it
    VariableDefinition: () => false,
    Variable: (node) => {
      used.add(node.name.value);
    },
  });
  return visit(emptied, {
    VariableDefinition: (node) => (used.has(node.variable.name.value) ? false : null),
  });
}
