/** What runs for one message of a WebSocket. */
import { randomUUID } from 'node:crypto';
import type { Caller } from '../access.ts';
import { Abort, type OperationRequest, type RunningOperation } from './request.ts';

/** An operation of a socket. Subscriptions live long and are many: what hardly one is asked for is made when it is asked for. */
export class SocketOperation extends Abort implements OperationRequest, RunningOperation {
  readonly transport = 'ws';
  events?: AsyncGenerator<unknown>;
  private name: string | null = null;

  /** `payload` is of the message that began it. */
  constructor(
    readonly payload: object,
    readonly caller: Caller,
    readonly seesSchema: boolean,
  ) {
    super();
  }

  get id(): string {
    this.name ??= randomUUID();
    return this.name;
  }

  get request(): OperationRequest {
    return this;
  }
}
