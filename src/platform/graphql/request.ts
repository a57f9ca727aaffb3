/** What is known of one GraphQL operation while it runs, whichever transport it came over. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Caller } from '../access.ts';

export interface OperationRequest {
  /** Goes to the client with a masked error, and into the log line that has the cause. */
  readonly id: string;
  readonly transport: 'http' | 'ws';
  readonly caller: Caller;
  /** May the caller be told what the schema looks like? */
  readonly seesSchema: boolean;
  /** Aborted when nobody waits for the answer any more: time is up, the connection or the subscription is gone. */
  readonly signal: AbortSignal;
}

/** The request that the current HTTP operation belongs to. */
export const currentRequest = new AsyncLocalStorage<OperationRequest>();

/** What runs of a caller, as those who may end it see it. */
export interface RunningOperation {
  readonly request: OperationRequest;
  abort(): void;
  /** The events of a subscription that was begun. */
  events?: AsyncGenerator<unknown>;
}

/** Aborts an operation. Its signal is made when somebody asks for it: long subscriptions are many, and hardly one does. */
export class Abort {
  private controller: AbortController | null = null;
  private isOver = false;

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.isOver) this.controller.abort();
    }
    return this.controller.signal;
  }

  abort(): void {
    this.isOver = true;
    this.controller?.abort();
  }
}
