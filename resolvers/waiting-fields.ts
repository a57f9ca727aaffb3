/** Which fields of an event would have to wait for a store: events are shown at once or not at all. */
import {
  type GraphQLNamedType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** `Type.field` of those with a resolver of their own. */
const waiting = new WeakMap<GraphQLSchema, ReadonlySet<string>>();

/** Takes down which fields of a schema wait. To be called once it is built: a server may wrap every field later. */
export function noteWaitingFields(schema: GraphQLSchema): void {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  const fields = types.flatMap((type) =>
    Object.values(type.getFields()).flatMap((field) => (field.resolve ? [`${type.name}.${field.name}`] : [])),
  );
  waiting.set(schema, new Set(fields));
}

/** Selected fields of what an event is made of that have a resolver of their own, as `entries.market.ticker`. */
export function waitingFields({ fieldNodes, fragments, schema, returnType }: GraphQLResolveInfo): string[] {
  const waits = waiting.get(schema);
  const found: string[] = [];
  const visited = new Set<string>();

  function look(set: SelectionSetNode, type: GraphQLNamedType | undefined, path: string): void {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const field = isObjectType(type) ? type.getFields()[node.name.value] : undefined;
        const name = `${path}${node.name.value}`;
        if (field && type && waits?.has(`${type.name}.${field.name}`)) found.push(name);
        else if (field && node.selectionSet) look(node.selectionSet, getNamedType(field.type), `${name}.`);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        const named = node.typeCondition ? schema.getType(node.typeCondition.name.value) : type;
        // an interface's fields are looked up in the object that implements it
        look(node.selectionSet, isObjectType(named) ? named : type, path);
      } else {
        const fragment = fragments[node.name.value];
        const key = `${path} ${node.name.value}`;
        if (!fragment || visited.has(key)) continue;
        visited.add(key);
        const named = schema.getType(fragment.typeCondition.name.value);
        look(fragment.selectionSet, isObjectType(named) ? named : type, path);
      }
    }
  }

  for (const { selectionSet } of fieldNodes) if (selectionSet) look(selectionSet, getNamedType(returnType), '');
  return found;
}
