/** What a message of the change topic tells its workers: all of them refuse the same messages. */
import type { CdcChange } from '../../schema/cdc.ts';
import type { Message } from '../../src/platform/broker/broker.ts';
import { checkNotAhead } from '../workers/quality.ts';
import { readEnvelope } from './envelope.ts';

/** The change; null for a message that tells none. Throws BadMessage. */
export function parseChange(message: Message): CdcChange | null {
  const change = readEnvelope(message);
  if (change) checkNotAhead(change.eventTime, 'source.ts_ms');
  return change;
}
