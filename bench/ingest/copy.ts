/** COPY … FROM STDIN over pg, as bare as it goes. */
import type { Client, Connection, Submittable } from 'pg';

interface CopyConnection extends Connection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** Sends `rows` (COPY's text format) into `table`. */
export function copyInto(client: Client, table: string, rows: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const copy = {
      submit: (connection: Connection) => (connection as CopyConnection).query(`COPY ${table} FROM STDIN`),
      handleCopyInResponse(connection: CopyConnection) {
        connection.sendCopyFromChunk(rows);
        connection.endCopyFrom();
      },
      handleCommandComplete() {},
      handleError(error: Error) {
        failure = error;
        reject(error);
      },
      handleReadyForQuery() {
        if (!failure) resolve();
      },
    };
    client.query(copy as Submittable);
  });
}
