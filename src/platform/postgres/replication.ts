/**
 * Owner of pg-logical-replication: the stream of changes of a publication, through a logical replication slot. What the
 * library does by itself and would lose changes by is switched off or set right here, each with its test.
 */
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
// not part of its index: see decodeText below
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js';
import { pause } from '../retry.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { PostgresUnavailable } from './postgres.ts';

export type ChangeMessage = Pgoutput.Message;
export type Relation = Pgoutput.MessageRelation;
/** Column → its text as PostgreSQL writes it, null, or undefined where an unchanged large value was not sent. */
export type Tuple = Readonly<Record<string, string | null | undefined>>;

export interface ChangesOptions {
  url: string;
  slot: string;
  publication: string;
  /** Where to begin; the slot's own position where that is further on. */
  from: bigint;
  /** A server that says nothing for this long is taken for dead, ms. */
  silenceMs: number;
  /**
   * Called with one message after the other, at its place in the log; nothing more is read while it works. A throw ends
   * the stream. `more`: another message is here already.
   */
  onMessage(lsn: bigint, message: ChangeMessage, more: boolean): Promise<void>;
  /** Everything that was committed before `lsn` has been handed over. `asked`: the server waits to hear from us. */
  onIdle(lsn: bigint, asked: boolean): void;
}

export interface Changes {
  /** Rejects with what ended the stream; resolves when `stop` did. */
  readonly ended: Promise<void>;
  /** Everything before `lsn` is safe elsewhere: the server may forget it, and a new stream begins there. */
  confirm(lsn: bigint): void;
  /** Resolves when the connection is closed and the message under way is handled: nothing of this stream comes after. */
  stop(): Promise<void>;
}

/** How often the server hears from us when there is nothing to confirm, so that it answers and does not give us up. */
const STATUS_MS = 2_000;

// TextDecoder, as the library has it, drops a byte order mark at the beginning of a value
BinaryReader.prototype.decodeText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

const asText = (raw: string): string => raw;

/** pgoutput, with every value as the text that PostgreSQL wrote: a Date has no microseconds. Counts what it has parsed. */
class TextOutput extends PgoutputPlugin {
  parsed = 0;

  override parse(buffer: Buffer): ChangeMessage {
    this.parsed += 1;
    const message = super.parse(buffer) as ChangeMessage;
    if (message.tag === 'relation') for (const column of message.columns) column.parser = asText;
    return message;
  }
}

/** Session settings under which PostgreSQL writes values the same way everywhere: UTC, ISO dates, all digits. */
export const TEXT_SETTINGS = '-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c extra_float_digits=1';

/** Begins to read. What goes wrong, from the first connection on, rejects `ended`. */
export function openChanges(options: ChangesOptions): Changes {
  const { url, slot, publication, from, silenceMs } = options;
  const plugin = new TextOutput({ protoVersion: 1, publicationNames: [publication] });
  const service = new LogicalReplicationService(
    {
      ...{ connectionString: url, application_name: 'tickgraph-capture', keepAlive: true, options: TEXT_SETTINGS },
      connectionTimeoutMillis: silenceMs,
    },
    // by itself it would confirm what was received and not yet handled, even the position of a mere sign of life
    { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
  );
  let handled = 0;
  let inTransaction = false;
  let heardAt = performance.now();
  let confirmed = from;
  let over = false;
  let handling: Promise<void> = Promise.resolve();
  let settle: { done(): void; fail(error: unknown): void };
  const ended = new Promise<void>((done, fail) => {
    settle = { done, fail };
  });
  // whoever waits for it later still gets it
  ended.catch(() => {});

  async function finish(error: unknown): Promise<void> {
    if (over) return;
    over = true;
    clearInterval(timer);
    // the library forgets a connection that is still being made, and it would hold the slot
    await Promise.race([begun, pause(silenceMs)]);
    await service.destroy().catch(() => {});
    if (error === undefined) settle.done();
    else settle.fail(error);
  }

  let begin = (): void => {};
  const begun = new Promise<void>((done) => {
    begin = done;
  });
  service.on('start', () => begin());
  service.on('data', async (at: string, message: ChangeMessage) => {
    // the library goes on with the next message whatever became of this one
    if (over) return;
    heardAt = performance.now();
    try {
      if (message.tag === 'begin') inTransaction = true;
      if (message.tag === 'commit') inTransaction = false;
      handling = options.onMessage(parseLsn(at), message, plugin.parsed > handled + 1);
      await handling;
      handled += 1;
      heardAt = performance.now();
    } catch (error) {
      await finish(error);
    }
  });
  service.on('heartbeat', (at: string, _: number, asked: boolean) => {
    heardAt = performance.now();
    // it overtakes the messages that wait to be handled
    if (over || inTransaction || plugin.parsed > handled) return tell();
    options.onIdle(parseLsn(at), asked);
    if (asked) tell();
  });
  service.on('error', (error: Error) => void finish(unavailable(error)));

  /** The library adds one to what it is told: a commit that begins right at the end of the last one would be skipped. */
  function tell(ping = false): void {
    if (!over && confirmed > 0n) void service.acknowledge(formatLsn(confirmed - 1n), ping);
  }

  const timer = setInterval(() => {
    // while a message is being handled nothing is read, so nothing can be heard
    if (plugin.parsed > handled) heardAt = performance.now();
    if (performance.now() - heardAt > silenceMs) {
      void finish(new PostgresUnavailable(`the server has sent nothing for ${silenceMs} ms`));
      return;
    }
    tell(true);
  }, STATUS_MS);
  service
    .subscribe(plugin, slot, formatLsn(from))
    .finally(begin)
    .then(
      () => finish(new PostgresUnavailable('the server has ended the stream of changes')),
      (error) => finish(unavailable(error)),
    );
  return {
    ended,
    confirm(lsn) {
      if (lsn <= confirmed) return;
      confirmed = lsn;
      tell();
    },
    async stop() {
      await finish(undefined);
      // not in finish, which a handler that fails waits for itself
      await handling.catch(() => {});
      await ended.catch(() => {});
    },
  };
}

/** What a connection ends with, as far as another one may fare better. */
function unavailable(error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  const passing = code === undefined || /^(08|53|57|E[A-Z]|55006)/.test(code);
  return passing ? new PostgresUnavailable(message, { cause: error }) : error;
}
