/** A client as users write one: graphql-ws over ws, keeping everything one subscription received. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface Subscriber<Data> {
  readonly events: readonly Data[];
  /** Errors and closes; empty while all is well. */
  readonly faults: readonly unknown[];
  stop(): Promise<void>;
}

/**
 * Subscribes at `url` (http://host:port); retries are off, so that a cut shows as a fault. `onEvent` is told each event as it
 * comes.
 */
export function subscribe<Data>(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
  onEvent: (event: Data) => void = () => {},
): Subscriber<Data> {
  const events: Data[] = [];
  const faults: unknown[] = [];
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: true,
  });
  client.subscribe<Data>(
    { query, variables },
    {
      next: ({ data, errors }) => {
        if (errors) faults.push(...errors);
        if (!data) return;
        events.push(data);
        onEvent(data);
      },
      error: (error) => faults.push(error),
      complete: () => {},
    },
  );
  return {
    events,
    faults,
    async stop() {
      await client.dispose();
    },
  };
}
