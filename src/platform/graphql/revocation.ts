/** Ends what a caller has begun when its credential is revoked or expires. */
import { clientError } from '../../../schema/errors.ts';
import type { Access, Caller } from '../access.ts';
import type { Running } from '../platform.ts';
import type { RunningOperation } from './request.ts';

const EVERY_MS = 1_000;
/** For the errors of its operations to be on their way before the close frame. */
const CLOSE_AFTER_MS = 100;
export const CLOSE_FORBIDDEN = 4403;

/** A connection, whichever transport it is of. */
export interface Revocable {
  readonly caller?: Caller;
  readonly operations: Iterable<RunningOperation>;
  close(code: number, reason: string): void;
}

/** What a caller is told whose credential is no longer good. */
export const revoked = () => clientError('UNAUTHENTICATED', 'The access token was revoked or has expired.');

/**
 * Looks at every connection once a second: each operation of one whose caller is no longer valid ends with the error
 * UNAUTHENTICATED, then the socket is closed with 4403. `connections` may change meanwhile.
 */
export function watchCallers(connections: Iterable<Revocable>, access: Access): Running {
  const ending = new WeakSet<Revocable>();

  function end(connection: Revocable): void {
    ending.add(connection);
    for (const running of connection.operations) {
      // the protocol tells its client what the iterator throws
      running.events?.throw?.(revoked()).catch(() => {});
      running.abort();
    }
    setTimeout(() => connection.close(CLOSE_FORBIDDEN, revoked().message), CLOSE_AFTER_MS).unref();
  }

  const timer = setInterval(() => {
    for (const connection of connections) {
      const { caller } = connection;
      if (caller && !ending.has(connection) && !access.isValid(caller)) end(connection);
    }
  }, EVERY_MS).unref();
  return {
    async stop() {
      clearInterval(timer);
    },
  };
}
