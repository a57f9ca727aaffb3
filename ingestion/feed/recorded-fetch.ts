/** REST for flows: every body is kept raw, refusals in disguise are found, what can't be read is dead-lettered. */
import type { MarketEvent, MarketInfo } from '../../schema/market.ts';
import type { RawFrame } from '../../schema/topics.ts';
import { type ExchangeRest, RestFailed, type RestReply } from '../../src/platform/exchange/rest.ts';
import { BadFrame, type Connector } from '../exchanges/connector.ts';
import { MAX_AHEAD_MS } from './exchange-clock.ts';
import type { FlowTools } from './flow.ts';
import type { Held, Publisher } from './publish.ts';

export interface RecordedFetchOptions {
  connector: Connector;
  rest: ExchangeRest;
  publisher: Publisher;
  /** What the raw bodies are kept under. */
  connection: string;
  market: MarketInfo;
  held: Held;
}

/** True for an event of the future. */
function aheadOf(event: unknown, receivedAt: number): boolean {
  return Number((event as Partial<MarketEvent> | null)?.eventTime) > receivedAt + MAX_AHEAD_MS;
}

/** The `fetch` of one market's flows. Waits while the publisher is full. */
export function recordedFetch(options: RecordedFetchOptions): FlowTools['fetch'] {
  const { connector, rest, publisher, connection, market, held } = options;
  const { exchange } = connector;
  return async (request, channel, parse, signal) => {
    await publisher.room(signal);
    const record = (reply: RestReply): RawFrame => ({
      ...{ exchange, connection, kind: 'response', channel, symbol: market.symbol, eventTime: null },
      ...{ receivedAt: reply.receivedAt, endpoint: request.path, callId: reply.callId, callTs: reply.callTs },
      bytes: reply.body,
    });
    let reply: RestReply;
    try {
      reply = await rest.call(request, signal);
    } catch (error) {
      if (error instanceof RestFailed && error.reply) publisher.raw(record(error.reply), held);
      throw error;
    }
    publisher.raw(record(reply), held);
    const refusal = connector.refusal?.(reply.body);
    if (refusal) {
      if (refusal.retryAfterMs !== null) rest.pause(refusal.retryAfterMs);
      throw new RestFailed(refusal.reason, refusal.retryAfterMs === null ? 400 : 429, refusal.retryAfterMs, reply);
    }
    try {
      const parsed = parse(reply.body, market, reply.receivedAt);
      const isAhead = (event: unknown): boolean => aheadOf(event, reply.receivedAt);
      if (isAhead(parsed)) throw new BadFrame('event time more than five minutes ahead');
      if (!Array.isArray(parsed) || !parsed.some(isAhead)) return parsed;
      // the others in it are as good as ever
      publisher.bad(record(reply), 'event time more than five minutes ahead, of one in a list', held);
      return parsed.filter((event) => !isAhead(event)) as typeof parsed;
    } catch (error) {
      if (error instanceof BadFrame) publisher.bad(record(reply), error.message, held);
      throw error;
    }
  };
}
