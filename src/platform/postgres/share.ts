/**
 * A part of the connection pool. What clients ask comes in bursts; with all connections in their hands leases would not
 * be renewed, rows not written, and the process would look dead to its health checks.
 */
import { metrics } from '../metrics.ts';
import { type Postgres, PostgresUnavailable } from './postgres.ts';

export interface ShareOptions {
  /** Connections used at once. */
  atOnce: number;
  /** How long a call waits for its turn, ms. */
  waitMs: number;
}

/**
 * The same database, of whose connections `query` and `transaction` take at most `atOnce`, first come first served. Both
 * reject with PostgresUnavailable when it is not their turn in time; the rest goes straight through.
 */
export function shareOf(postgres: Postgres, { atOnce, waitMs }: ShareOptions): Postgres {
  // insertion order is the order of the queue
  const waiting = new Set<() => void>();
  let used = 0;

  function turn(): Promise<void> {
    if (used < atOnce) {
      used += 1;
      return Promise.resolve();
    }
    return new Promise((done, fail) => {
      const timer = setTimeout(() => {
        waiting.delete(take);
        metrics.storeErrors.inc({ store: 'postgres' });
        fail(new PostgresUnavailable(`no connection became free within ${waitMs} ms`));
      }, waitMs);
      const take = (): void => {
        clearTimeout(timer);
        done();
      };
      waiting.add(take);
    });
  }

  function release(): void {
    const [next] = waiting;
    if (!next) used -= 1;
    else {
      // the connection goes from hand to hand: `used` stays as it is
      waiting.delete(next);
      next();
    }
  }

  async function within<T>(work: () => Promise<T>): Promise<T> {
    await turn();
    try {
      return await work();
    } finally {
      release();
    }
  }

  return {
    ...postgres,
    query: <Row>(text: string, params?: readonly unknown[]) => within(() => postgres.query<Row>(text, params)),
    transaction: (work) => within(() => postgres.transaction(work)),
  };
}
