/**
 * The JSON messages a client may send on a connection, and KuCoin's replies; the error codes are those of its documentation,
 * "WebSocket errors". Pure: what a connection follows is changed through `Subscriber`.
 */

export interface Subscriber {
  readonly topics: ReadonlySet<string>;
  subscribe(topics: string[]): void;
  unsubscribe(topics: string[]): void;
}

export interface TopicRules {
  /** True for a topic of one market that exists: "/market/match:BTC-USDT". */
  isTopic(topic: string): boolean;
  /** Topics in one message, and on one connection. */
  perMessage: number;
  perConnection: number;
}

type Id = string | undefined;

/** An error frame; ids come back as text whatever they were. */
export function errorFrame(id: Id, code: number, data: string): string {
  return JSON.stringify({ id, type: 'error', code, data });
}

export function welcomeFrame(connectId: string): string {
  return JSON.stringify({ id: connectId, type: 'welcome' });
}

/** The reply to one message, as text; null where the client wants none. */
export function replyTo(text: string, to: Subscriber, rules: TopicRules): string | null {
  let message: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) throw new SyntaxError();
    message = parsed as Record<string, unknown>;
  } catch {
    return errorFrame(undefined, 415, 'command type is invalid');
  }
  const id = typeof message.id === 'string' || typeof message.id === 'number' ? String(message.id) : undefined;
  if (message.type === 'ping') return JSON.stringify({ id, type: 'pong' });
  if (message.type !== 'subscribe' && message.type !== 'unsubscribe') {
    return errorFrame(id, 415, 'command type is invalid');
  }
  if (message.topic === undefined || message.topic === '') return errorFrame(id, 406, 'topic is required');
  if (message.privateChannel === true) return errorFrame(id, 403, 'login is required');
  const topics = topicsOf(message.topic);
  if (topics === null) return errorFrame(id, 400, 'topic is invalid');
  if (message.type === 'unsubscribe') to.unsubscribe(topics);
  else {
    const refusal = refuse(topics, to, rules);
    if (refusal) return errorFrame(id, refusal.code, refusal.data);
    to.subscribe(topics);
  }
  return message.response === true ? JSON.stringify({ id, type: 'ack' }) : null;
}

function refuse(topics: string[], to: Subscriber, rules: TopicRules): { code: number; data: string } | null {
  const unknown = topics.find((topic) => !rules.isTopic(topic));
  if (unknown !== undefined) return { code: 404, data: `topic ${unknown} is not found` };
  const limit = (count: number, per: string) => ({
    code: 509,
    data: `exceed max subscription count limitation of ${count} per ${per}`,
  });
  if (topics.length > rules.perMessage) return limit(rules.perMessage, 'time');
  if (new Set([...to.topics, ...topics]).size > rules.perConnection) return limit(rules.perConnection, 'session');
  return null;
}

/** "/market/match:BTC-USDT,ETH-USDT" as topics of one market each; null where it is no topic. */
function topicsOf(topic: unknown): string[] | null {
  const parts = typeof topic === 'string' ? /^(\/[a-zA-Z0-9]+\/[a-zA-Z0-9]+):([^:]+)$/.exec(topic) : null;
  if (!parts) return null;
  const [, name, markets = ''] = parts;
  return markets.split(',').map((market) => `${name}:${market}`);
}
