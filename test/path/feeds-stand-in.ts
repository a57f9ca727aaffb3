/** The stand-in of an exchange as a process of its own: damaged over its control endpoint, killed and replaced. */
import { type RoleProcess, startRole } from '../support/role.ts';
import { until } from '../support/until.ts';

export interface StandInUrls {
  wsUrl: string;
  restUrl: string;
  controlUrl: string;
}

export interface StandInProcess {
  /** Stay the same when it is replaced. */
  readonly urls: StandInUrls;
  /** The exchange's clock, and its counts. */
  status(): Promise<{ now: number; stats: { connections: number; accepted: number; banned: number } }>;
  /** Everything a market produced, as the exchange spells it; also what a predecessor did. */
  sent(symbol: string): Promise<unknown>;
  /** Begins a fault, by its name and with its arguments. */
  fault(name: string, ...args: unknown[]): Promise<void>;
  /** Kills it; resolves with how to start another one on the same ports with the same seed. */
  kill(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** How long before its start the record begins: the first frames of a subscription may tell of earlier trades. */
const RECORD_MS = 600_000;
const START = { timeoutMs: 30_000 };

/** `minuteIn`: its clock runs ahead of ours so that its next minute begins so many ms after the start. */
export async function startStandInProcess(exchange: string, symbol: string, minuteIn: number): Promise<StandInProcess> {
  const offset = (60_000 - (Date.now() % 60_000) - minuteIn + 60_000) % 60_000;
  const since = Date.now() + offset - RECORD_MS;
  let process: RoleProcess;

  async function start(port: string, control: string): Promise<StandInUrls> {
    const flags = { exchange, symbols: symbol, seed: '11', port, control };
    const times = { 'record-from': String(since), 'clock-offset': String(offset) };
    const args = Object.entries({ ...flags, ...times }).flatMap(([name, value]) => [`--${name}`, value]);
    process = startRole('sim/main.ts', {}, args);
    const said = await until('the stand-in to be up', () => /^\{.*\}$/m.exec(process.output())?.[0], START);
    return JSON.parse(said) as StandInUrls;
  }

  const urls = await start('0', '0');
  const portOf = (url: string): string => new URL(url).port;

  async function ask(path: string, init?: RequestInit): Promise<unknown> {
    const response = await fetch(`${urls.controlUrl}/sim${path}`, init);
    const body: unknown = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  }

  return {
    urls,
    status: () => ask('') as ReturnType<StandInProcess['status']>,
    sent: (name) => ask(`/sent?symbol=${name}`),
    async fault(name, ...args) {
      await ask(`/faults/${name}`, { method: 'POST', body: JSON.stringify(args) });
    },
    async kill() {
      await process.end('SIGKILL');
      return async () => void (await start(portOf(urls.restUrl), portOf(urls.controlUrl)));
    },
    async stop() {
      await process.end('SIGKILL');
    },
  };
}
