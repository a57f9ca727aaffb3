/** Documents made to hurt, and what must be said of each: the limit's name, or the code where no limit is at stake. */
const many = (n: number, one: (i: number) => string): string => Array.from({ length: n }, (_, i) => one(i)).join(' ');

export const BOMBS: readonly [name: string, text: string, limitOrCode: RegExp][] = [
  ['20,000 aliases', `{ ${many(20_000, (i) => `a${i}: hello`)} }`, /^MAX_QUERY_TOKENS$/],
  ['600 aliases', `{ ${many(600, (i) => `a${i}: hello`)} }`, /^MAX_QUERY_ALIASES$/],
  ['depth 1,000', `{ markets { nodes { ${'next { '.repeat(997)} symbol ${'}'.repeat(997)} } } }`, /^MAX_QUERY_TOKENS$/],
  ['depth 50', `{ markets { nodes { ${'next { '.repeat(47)} symbol ${'}'.repeat(47)} } } }`, /^MAX_QUERY_DEPTH$/],
  [
    '3,000 fragments in a chain',
    `{ ...F0 } ${many(3_000, (i) => `fragment F${i} on Query { ...F${i + 1} }`)} fragment F3000 on Query { hello }`,
    /^MAX_QUERY_TOKENS$/,
  ],
  // whether the tokens or the parser's stack end first depends on the stack's size
  [
    'a list nested 100,000 deep',
    `{ hello(list: ${'['.repeat(100_000)}${']'.repeat(100_000)}) }`,
    /^MAX_QUERY_(TOKENS|DEPTH)$/,
  ],
  ['a list nested 900 deep', `{ hello(list: ${'['.repeat(900)}${']'.repeat(900)}) }`, /^GRAPHQL_VALIDATION_FAILED$/],
  ['500 times the same field', `{ ${'hello '.repeat(500)} }`, /^MAX_DUPLICATE_FIELDS$/],
  ['50 unknown directives', `{ hello ${many(50, (i) => `@no${i}`)} }`, /^MAX_DIRECTIVES$/],
  ['a million rows', '{ markets(first: 1000000) { nodes { symbol } } }', /^MAX_QUERY_COST$/],
  [
    'pages of pages',
    '{ markets(first: 1000) { nodes { klines(first: 1000) { nodes { open } } } } }',
    /^MAX_QUERY_COST$/,
  ],
  ['a fragment in itself', '{ ...A } fragment A on Query { ...A }', /^GRAPHQL_VALIDATION_FAILED$/],
  [
    'two in a ring',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
    /^GRAPHQL_VALIDATION_FAILED$/,
  ],
  ['an open brace', '{ hello', /^GRAPHQL_PARSE_FAILED$/],
  ['an unterminated string', '{ hello(name: "', /^GRAPHQL_PARSE_FAILED$/],
  [
    'introspection in depth',
    `{ __schema { types { ${'fields { type { '.repeat(5)} name ${'}}'.repeat(5)} } } }`,
    /^GRAPHQL_VALIDATION_FAILED$/,
  ],
];
