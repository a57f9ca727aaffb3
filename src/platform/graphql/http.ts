/** Owner of @apollo/server: queries and mutations over HTTP, with our documents, limits and errors. */
import { ApolloServer, type ApolloServerPlugin, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import {
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { type DocumentNode, type GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { clientError } from '../../../schema/errors.ts';
import type { Log } from '../log.ts';
import { metrics } from '../metrics.ts';
import { type Documents, isRefused, type Prepared } from './documents.ts';
import { publicError } from './errors.ts';
import { currentRequest, type OperationRequest } from './request.ts';

/** Stands for a refused document on its way through Apollo Server; never executed. */
const REFUSED = parse('{ __typename }');

export interface HttpOperation {
  method: string;
  /** Query string with its question mark. */
  search: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed JSON body. */
  body: unknown;
}

export interface HttpAnswer {
  status: number;
  headers: Iterable<[string, string]>;
  body: string;
}

export interface GraphqlHttp {
  /** Runs one operation. Never rejects for what a client sent. */
  answer(operation: HttpOperation, request: OperationRequest): Promise<HttpAnswer>;
  stop(): Promise<void>;
}

export interface GraphqlHttpOptions {
  schema: GraphQLSchema;
  documents: Documents;
  /** What resolvers are given. */
  contextOf(request: OperationRequest): object | Promise<object>;
  log: Log;
}

const badRequest = (message: string): GraphQLError => clientError('BAD_REQUEST', message, { http: { status: 400 } });

/**
 * Hands Apollo Server the documents that are already parsed, measured and validated, and refuses the others with every
 * reason. It takes a document set before its own parsing; were that to change, it would validate a second time.
 */
function preparing(documents: Documents, log: Log): ApolloServerPlugin {
  return {
    async requestDidStart() {
      const started = process.hrtime.bigint();
      const request = currentRequest.getStore();
      const seesSchema = request?.seesSchema ?? false;
      let prepared: Prepared | undefined;
      let refused: readonly GraphQLError[] = [];
      return {
        async didResolveSource(context) {
          const result = documents.prepare(context.source, seesSchema);
          if (isRefused(result)) refused = result;
          else prepared = result;
          (context as { document?: DocumentNode }).document = prepared?.document ?? REFUSED;
        },
        async didResolveOperation({ operation, request: { variables } }) {
          const reason =
            refused[0] ??
            (prepared && documents.admit(prepared, variables ?? {}, seesSchema)) ??
            (operation?.operation === 'subscription'
              ? badRequest('Subscriptions go over WebSocket, or as text/event-stream.')
              : null);
          if (reason) throw reason;
        },
        async willSendResponse({ response, operation }) {
          if (response.body.kind !== 'single') return;
          const result = response.body.singleResult;
          if (refused.length > 1) result.errors = refused.map((error) => publicError(error, request, log));
          metrics.operations.observe(
            { type: operation?.operation ?? 'none', outcome: result.errors ? 'error' : 'ok' },
            Number(process.hrtime.bigint() - started) / 1e9,
          );
        },
      };
    },
  };
}

/** JSON of a result; a bigint that a resolver let through becomes its digits. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
  }
}

/** Starts Apollo Server for a schema. */
export async function createGraphqlHttp(options: GraphqlHttpOptions): Promise<GraphqlHttp> {
  const { documents, log } = options;
  const apollo = new ApolloServer({
    schema: options.schema,
    // who may introspect depends on the caller: Documents.admit
    introspection: true,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    documentStore: null,
    nodeEnv: 'production',
    formatError: (_, error) => publicError(error, currentRequest.getStore(), log),
    stringifyResult: stringify,
    logger: {
      debug: (message) => log.debug(message),
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
    plugins: [
      preparing(documents, log),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
    ],
  });
  await apollo.start();

  async function answer(operation: HttpOperation, request: OperationRequest): Promise<HttpAnswer> {
    const headers = new HeaderMap();
    for (const [name, value] of Object.entries(operation.headers)) {
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
    const response: HTTPGraphQLResponse = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: operation.method, headers, search: operation.search, body: operation.body },
      context: async () => options.contextOf(request),
    });
    if (response.body.kind === 'chunked') throw new Error('incremental delivery is not supported');
    return { status: response.status ?? 200, headers: response.headers, body: response.body.string };
  }

  return {
    answer: (operation, request) => currentRequest.run(request, () => answer(operation, request)),
    stop: () => apollo.stop(),
  };
}
