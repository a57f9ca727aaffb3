/**
 * What every server of the benchmark runs on: publishes as the runner says and tells what it used. Lines in:
 * `start RATE BATCH TOPICS` (events a second, 0 for one batch each turn of the event loop), `stop`, `begin`, `end`, `memory`,
 * `quit`. `end` and `memory` answer one JSON line.
 */
import { createInterface } from 'node:readline';

/** The candle of every event but for what differs. */
export const CANDLE = {
  interval: 'M1',
  openTime: '2026-03-01T09:30:00.000Z',
  open: '60123.12',
  high: '60200.5',
  low: '60100.1',
  close: '60150.55',
  isClosed: false,
} as const;

/** At a fixed rate: how long one turn of the event loop publishes what is due, and how late it may be published at all. */
const MAX_TURN_MS = 20;
const MAX_DEBT_MS = 1_000;

/** Symbols of the topics, as the generator asks for them. */
export function symbolOf(topic: number): string {
  return `S${String(topic).padStart(4, '0')}-USDT`;
}

/** CLOCK_MONOTONIC in microseconds, as text. */
function stamp(): string {
  const [seconds, nanoseconds] = process.hrtime();
  return String(seconds * 1_000_000 + Math.floor(nanoseconds / 1_000));
}

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** Tells the runner that the server listens, then does as it says. `publish` gets a topic's number and the stamp. */
export function drive(publish: (topic: number, volume: string) => void): void {
  let [rate, batch, topics] = [0, 1, 1];
  let running = 0;
  let events = 0;
  let next = 0;
  let used = process.cpuUsage();
  let began = performance.now();

  function tick(): void {
    for (let i = 0; i < batch; i++) publish(events++ % topics, stamp());
  }

  function run(turn: number): void {
    if (turn !== running) return;
    if (rate === 0) {
      tick();
      setImmediate(run, turn);
      return;
    }
    const from = performance.now();
    // who can't keep the rate must hear the runner all the same; what was not published is missing from `events`
    if (from - next > MAX_DEBT_MS) next = from;
    while (next <= performance.now() && performance.now() - from < MAX_TURN_MS) {
      tick();
      next += (1_000 * batch) / rate;
    }
    const wait = next - performance.now();
    if (wait > 0) setTimeout(run, wait, turn);
    else setImmediate(run, turn);
  }

  const commands: Record<string, (numbers: number[]) => void> = {
    start([events = 0, together = 1, on = 1]) {
      [rate, batch, topics] = [events, together, on];
      next = performance.now();
      run(++running);
    },
    stop: () => void running++,
    begin() {
      events = 0;
      used = process.cpuUsage();
      began = performance.now();
    },
    end() {
      const { user, system } = process.cpuUsage(used);
      say({ user: user / 1e6, system: system / 1e6, seconds: (performance.now() - began) / 1_000, events });
    },
    memory() {
      for (let i = 0; i < 3; i++) globalThis.gc?.();
      const { rss, heapUsed } = process.memoryUsage();
      say({ rss, heap: heapUsed });
    },
    quit: () => process.exit(0),
  };
  createInterface(process.stdin)
    .on('line', (line) => {
      const [name = '', ...numbers] = line.split(' ');
      commands[name]?.(numbers.map(Number));
    })
    .once('close', () => process.exit(0));
  say({ ready: true });
}
