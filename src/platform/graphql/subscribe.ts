/** How a subscription is begun, over a socket or as an event stream, and what both are made with. */
import type { ExecutionArgs, ExecutionResult, GraphQLSchema } from 'graphql';
import type { Cursor } from '../../../schema/cursor.ts';
import type { Access, Caller } from '../access.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { Admission, AdmissionLimits, KeyAdmission } from './admission.ts';
import type { Documents } from './documents.ts';
import type { Outlet } from './outlet.ts';
import type { OperationRequest } from './request.ts';

/** What a subscription is begun with. */
export interface SubscribeArgs extends ExecutionArgs {
  /** The client's name for it. */
  readonly operationId: string;
  readonly outlet: Outlet;
  readonly caller: Caller;
  /** The transport's own word for where the client was; goes before the operation's. */
  readonly after?: Cursor;
}

/**
 * Begins a subscription: what its iterator yields is sent by the protocol, what goes to the outlet is sent as it is. What
 * was refused is a result with errors, or a rejection.
 */
export type Subscribe = (args: SubscribeArgs) => Promise<AsyncIterable<ExecutionResult> | ExecutionResult>;

export interface GraphqlSocketOptions {
  schema: GraphQLSchema;
  subscribe: Subscribe;
  documents: Documents;
  access: Access;
  contextOf(request: OperationRequest): object | Promise<object>;
  admission: Admission;
  /** Shared with the event streams, as `admission` is. */
  keys: KeyAdmission;
  limits: AdmissionLimits &
    Pick<
      Config,
      | 'CONNECTION_INIT_TIMEOUT_MS'
      | 'MAX_MESSAGE_BYTES'
      | 'MAX_SUBSCRIPTIONS_PER_SOCKET'
      | 'REQUEST_TIMEOUT_MS'
      | 'SOCKET_BUFFER_BYTES'
      | 'SOCKET_STUCK_MS'
      | 'WEBSOCKET_COMPRESSION'
    >;
  log: Log;
  /** Between two pings; a socket that did not answer the last one is dropped. */
  pingMs?: number;
}
