/** What a reader of the topic makes of it. */
import type { Message } from '../../../src/platform/broker/broker.ts';

interface Envelope {
  op: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  source: { lsn: number; txId: number; snapshot: string };
}

/** The envelope of a message; null for a tombstone. */
export function envelopeOf({ value }: Message): Envelope | null {
  return value ? (JSON.parse(value.toString()) as Envelope) : null;
}

/** Key → row, as the table must be when everything in the topic has been done in its order. */
export function tableAfter(messages: readonly Message[]): Map<string, Record<string, unknown>> {
  const rows = new Map<string, Record<string, unknown>>();
  for (const message of messages) {
    const said = envelopeOf(message);
    if (said?.op === 't') rows.clear();
    else if (said?.op === 'd') rows.delete(message.key ?? '');
    else if (said?.after) rows.set(message.key ?? '', said.after);
  }
  return rows;
}

/** The same change has the same id, however often it is delivered. */
export function idOf(message: Message): string | null {
  const said = envelopeOf(message);
  return said ? [said.op, said.source.txId, said.source.lsn, message.key].join(' ') : null;
}

/** Order of the first deliveries, repeats taken out. */
export function withoutRepeats(messages: readonly Message[]): Message[] {
  const seen = new Set<string>();
  return messages.filter((message) => {
    const id = idOf(message);
    if (id === null || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}
