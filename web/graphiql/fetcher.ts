/** How GraphiQL reaches the API: queries over HTTP, subscriptions over WebSocket, both with the headers of the tab. */
import { createGraphiQLFetcher, type Fetcher, type FetcherOpts, type FetcherParams } from '@graphiql/toolkit';
import { type DocumentNode, Kind, parse } from 'graphql';
import { type Client, createClient } from 'graphql-ws';

const PATH = '/graphql';

/** One WebSocket for all tabs that send the same headers; the token goes with connection_init. */
function createSocket(headers: Readonly<Record<string, string>>): Client {
  return createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${PATH}`,
    connectionParams: headers,
    lazyCloseTimeout: 5_000,
    retryAttempts: 10,
    shouldRetry: () => true,
  });
}

/**
 * The request as its text says it. For a moment after another tab was chosen GraphiQL still names the operation of the
 * last one.
 */
function consistent(params: FetcherParams, options: FetcherOpts | undefined): [FetcherParams, FetcherOpts] {
  let documentAST: DocumentNode;
  try {
    documentAST = parse(params.query);
  } catch {
    // the server says what is wrong with it
    return [params, { ...options }];
  }
  const names = documentAST.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION ? [node.name?.value ?? null] : [],
  );
  const chosen = names.includes(params.operationName ?? null) || names.length > 1;
  return [chosen ? params : { ...params, operationName: names[0] }, { ...options, documentAST }];
}

/** The fetcher of the page. */
export function createFetcher(): Fetcher {
  const fetchers = new Map<string, Fetcher>();
  return (given, givenOptions) => {
    const [params, options] = consistent(given, givenOptions);
    const headers = (options.headers ?? {}) as Record<string, string>;
    const key = JSON.stringify(headers);
    let fetcher = fetchers.get(key);
    if (!fetcher) {
      fetcher = createGraphiQLFetcher({ url: PATH, wsClient: createSocket(headers) });
      fetchers.set(key, fetcher);
    }
    return fetcher(params, options);
  };
}
