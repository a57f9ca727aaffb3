/**
 * A process that would compute rankings, with a log and a live store of its own and the leases of a shared database. Each
 * ranking by change that it sends is a line on stdout: when it was computed.
 */
import { RANKING } from '../../../ingestion/workers/ranking.ts';
import { startSingleton } from '../../../ingestion/workers/singleton.ts';
import { TOPICS } from '../../../schema/topics.ts';
import { openPostgres } from '../../../src/platform/postgres/postgres.ts';
import { tickerAppend } from '../../resolvers/samples.ts';
import { ticker } from './market-events.ts';
import { memoryPlatform } from './worker-platform.ts';

const postgres = await openPostgres({ url: process.env.DATABASE_URL ?? '', pool: 3, timeoutMs: 20_000 });
const platform = await memoryPlatform(postgres, { LEASE_MS: '1500' });
const { broker, live } = platform;
const send = broker.send.bind(broker);
broker.send = async (topic, messages) => {
  for (const { value } of messages) {
    const { metric, computedAt } = TOPICS.ranking.parse(value);
    if (metric === 'CHANGE_PERCENT') process.stdout.write(`${computedAt}\n`);
  }
  await send(topic, messages);
};
// prices that never rest
setInterval(() => void live.append([tickerAppend(ticker(Date.now(), { last: String(Math.random() + 1) }))]), 50);
startSingleton(platform, RANKING);
