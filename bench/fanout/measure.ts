/** One measurement: a server on one core, the generator on another, a warm-up and a window. */
import { freePort } from '../../src/platform/postgres/embedded.ts';
import { type Case, queryFor, type Server } from './cases.ts';
import { Program } from './program.ts';

export interface Row {
  case: string;
  server: string;
  /** CPU of the server a delivered message, microseconds: all of it, and in user mode. */
  cpu: number;
  user: number;
  /** Messages delivered a second. */
  rate: number;
  p50: number;
  p99: number;
  /** The server's use of its core, and the generator's of its own. */
  utilisation: number;
  generator: number;
  /** Resident kB a subscriber: after all have subscribed, and after the load. */
  idle: number;
  busy: number;
  /** Why the row says nothing; null where it does. */
  void: string | null;
}

export interface Programs {
  floor: string;
  generator: string;
}

/** Beyond this the generator may be what saturates. */
const MAX_GENERATOR = 0.8;
/** With less than this part of the rate asked for, a row says nothing about that rate. */
const LEAST_RATE = 0.9;
const START_MS = 180_000;

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

/** The row of a server that did not come through. */
export function failed(server: Server, load: Case, error: Error): Row {
  const nothing = { cpu: 0, user: 0, rate: 0, p50: 0, p99: 0, utilisation: 0, generator: 0, idle: 0, busy: 0 };
  return { case: load.name, server: server.name, ...nothing, void: error.message.split('\n', 1)[0] || 'failed' };
}

/** Measures a server under a load for so many seconds. Rejects where one of the two ends early or does not answer. */
export async function measure(server: Server, load: Case, seconds: number, programs: Programs): Promise<Row> {
  const port = await freePort();
  const env = {
    ...process.env,
    PORT: String(port),
    NODE_ENV: 'production',
    // on, but out of the way
    MAX_ACCEPTS_PER_SECOND: '100000',
    LOG_LEVEL: 'warn',
  };
  const isFloor = server.name === 'floor';
  const [command, ...args] = isFloor
    ? [programs.floor, String(port)]
    : [process.execPath, '--no-warnings', '--expose-gc', '--import', 'tsx', server.script];
  const target = new Program(0, command as string, args, env);
  let generator: Program | undefined;
  try {
    await target.answer(START_MS);
    const before = await target.numbers('memory');
    const { sockets, topics, hot, batch, rate } = load;
    const numbers = [port, sockets, topics, hot].map(String);
    generator = new Program(1, programs.generator, [...numbers, queryFor(server.name)], env);
    await generator.answer(START_MS);
    await sleep(1_000);
    const idle = await target.numbers('memory');
    target.tell(`start ${rate} ${batch} ${topics}`);
    await sleep(1_000 + seconds * 250);
    target.tell('begin');
    generator.tell('b');
    await sleep(seconds * 1_000);
    generator.tell('e');
    const used = await target.numbers('end');
    const got = await generator.numbers();
    target.tell('stop');
    const busy = await target.numbers('memory');
    const n = (numbers: Record<string, number>, name: string): number => numbers[name] ?? 0;
    const [user, cpu] = [n(used, 'user'), n(used, 'user') + n(used, 'system')];
    const messages = n(got, 'messages');
    const each = (memory: Record<string, number>) => round((n(memory, 'rss') - n(before, 'rss')) / sockets / 1_000, 1);
    const expected = hot || sockets;
    const reached = n(got, 'reached');
    const utilisation = n(got, 'utilisation');
    const published = n(used, 'events') / n(used, 'seconds');
    const doubts = [
      utilisation > MAX_GENERATOR && 'generator saturated',
      reached < expected && `reached ${reached} of ${expected}`,
      published < rate * LEAST_RATE && `published ${Math.round(published)} of ${rate} events/s`,
    ].filter((doubt) => doubt !== false);
    return {
      case: load.name,
      server: server.name,
      cpu: round((cpu / messages) * 1e6),
      user: round((user / messages) * 1e6),
      rate: Math.round(messages / n(got, 'seconds')),
      p50: n(got, 'p50'),
      p99: n(got, 'p99'),
      utilisation: round(cpu / n(used, 'seconds')),
      generator: round(utilisation),
      idle: each(idle),
      busy: each(busy),
      void: doubts.join(', ') || null,
    };
  } finally {
    await generator?.end();
    await target.end();
  }
}
