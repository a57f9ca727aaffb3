/** KuCoin's subscribe messages: one for each topic, with all the symbols; what is refused is halved until the culprit is alone. */
import type { MarketInfo } from '../../schema/market.ts';
import type { ConnectionPlan, Session } from './connector.ts';

/** Spelled with `*` in place of the symbol, e.g. `/market/candles:*_1min`. */
export type Topic = `${string}*${string}`;

/** How to follow the markets on one connection. Ids come back as text: `{"id":"1","type":"ack"}`. */
export function planTopics(
  { url, pingMs }: Session,
  topics: ReadonlySet<Topic>,
  markets: readonly MarketInfo[],
): ConnectionPlan {
  const asked = new Map<string, { topic: Topic; natives: readonly string[] }>();
  let ids = 0;
  const subscribe = (topic: Topic, some: readonly string[]): string => {
    const id = ++ids;
    asked.set(String(id), { topic, natives: some });
    const [prefix, suffix] = topic.split('*');
    const list = prefix + some.map((native) => native + suffix).join(',');
    return JSON.stringify({ id, type: 'subscribe', topic: list, privateChannel: false, response: true });
  };
  const natives = markets.map((market) => market.nativeSymbol);
  const messages = [...topics].map((topic) => subscribe(topic, natives));
  const ping = { everyMs: pingMs ?? 18_000, message: (n: number) => `{"id":"ping-${n}","type":"ping"}` };
  return {
    ...{ url, awaitWelcome: true, messages, acks: messages.length, ping },
    // one symbol that is gone refuses the whole list, and it is not promised that the answer names it
    narrow(id) {
      const refused = asked.get(id);
      asked.delete(id);
      if (!refused) return null;
      const half = refused.natives.length >> 1;
      if (half === 0) return { messages: [], without: refused.natives };
      const halves = [refused.natives.slice(0, half), refused.natives.slice(half)];
      return { messages: halves.map((part) => subscribe(refused.topic, part)), without: [] };
    },
  };
}
