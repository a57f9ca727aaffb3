/**
 * Documents, parsed, measured and validated once for both transports. Only valid ones are kept, bounded by the length of
 * their text, least recently used out first.
 */
import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import { clientError, type ErrorCode } from '../../../schema/errors.ts';
import { checkLimits, type Measure, measure, overLimit, type QueryLimits } from './limits.ts';
import { conditionalRoot } from './subscription-root.ts';

/** Characters of all documents kept; a tree takes some fifty bytes a character. */
const MAX_CACHED_CHARS = 1_000_000;
const MAX_VALIDATION_ERRORS = 20;

export interface Prepared {
  /** The one of all equal texts that is kept. */
  readonly text: string;
  readonly document: DocumentNode;
  readonly measured: Measure;
}

export interface Documents {
  /**
   * The document of a text, or every reason why it is refused. `seesSchema`: may the reasons suggest names of the schema?
   * Never throws.
   */
  prepare(text: string, seesSchema: boolean): Prepared | readonly GraphQLError[];
  /**
   * What speaks against this run of a document: cost by its variables, introspection by a caller who may not see the
   * schema. Null where nothing does.
   */
  admit(prepared: Prepared, variables: Readonly<Record<string, unknown>>, seesSchema: boolean): GraphQLError | null;
}

/** True for the refusals of `prepare`. */
export function isRefused(result: Prepared | readonly GraphQLError[]): result is readonly GraphQLError[] {
  return Array.isArray(result);
}

function refusal({ message, nodes, source, positions }: GraphQLError, code: ErrorCode): GraphQLError {
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, http: { status: 400 } } });
}

/** The document cache of a schema. `limits` are the settings of those names. */
export function createDocuments(schema: GraphQLSchema, limits: QueryLimits): Documents {
  const kept = new Map<string, Prepared>();
  let chars = 0;

  function keep(text: string, prepared: Prepared): void {
    if (text.length > MAX_CACHED_CHARS) return;
    kept.set(text, prepared);
    chars += text.length;
    for (const oldest of kept.keys()) {
      if (chars <= MAX_CACHED_CHARS) return;
      kept.delete(oldest);
      chars -= oldest.length;
    }
  }

  function recall(text: string): Prepared | undefined {
    const known = kept.get(text);
    if (!known) return undefined;
    // to the young end
    kept.delete(text);
    kept.set(known.text, known);
    return known;
  }

  function read(text: string, seesSchema: boolean): Prepared | readonly GraphQLError[] {
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: limits.MAX_QUERY_TOKENS });
    } catch (error) {
      if (error instanceof GraphQLError && /more tha[nt] .* tokens/.test(error.message)) {
        return [
          overLimit('QUERY_TOO_COMPLEX', 'The document is too long', 'MAX_QUERY_TOKENS', limits.MAX_QUERY_TOKENS),
        ];
      }
      if (error instanceof GraphQLError) return [refusal(error, 'GRAPHQL_PARSE_FAILED')];
      throw error;
    }
    const measured = measure(schema, document);
    const over = checkLimits(measured, limits);
    if (over) return [over];
    const conditional = conditionalRoot(document);
    if (conditional) return [refusal(conditional, 'GRAPHQL_VALIDATION_FAILED')];
    const errors = validate(schema, document, specifiedRules, {
      maxErrors: MAX_VALIDATION_ERRORS,
      hideSuggestions: !seesSchema,
    });
    if (errors.length > 0) return errors.map((error) => refusal(error, 'GRAPHQL_VALIDATION_FAILED'));
    return { text, document, measured };
  }

  return {
    prepare(text, seesSchema) {
      const known = recall(text);
      if (known) return known;
      try {
        const result = read(text, seesSchema);
        if (!isRefused(result)) keep(text, result);
        return result;
      } catch (error) {
        // the parser and the rules of graphql-js recurse: nesting that the limits let through can still be too deep
        if (!(error instanceof RangeError))
          return [new GraphQLError('Internal error', { originalError: error as Error })];
        return [
          overLimit('QUERY_TOO_COMPLEX', 'The document is nested too deep', 'MAX_QUERY_DEPTH', limits.MAX_QUERY_DEPTH),
        ];
      }
    },
    admit({ document, measured }, variables, seesSchema) {
      if (measured.introspects && !seesSchema) {
        return clientError('INTROSPECTION_DISABLED', 'The schema is shown to administrators.', {
          http: { status: 403 },
        });
      }
      return measured.byVariable ? checkLimits(measure(schema, document, variables), limits) : null;
    },
  };
}
