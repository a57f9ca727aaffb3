/**
 * Runs the stand-in of an exchange as a process of its own:
 *   node --import tsx sim/main.ts [--exchange binance] [--port N] [--control N] [--seed N] [--symbols 12 | BTCUSDT,ETHUSDT]
 *     [--rate X] [--record-from <epoch ms>] [--clock-offset <ms>] [--recording <folder>:<day>] [--speed X]
 * Symbols are in the exchange's own spelling; only Binance's replays recordings. One that takes another's place has its
 * port and seed, and --record-from says since when `sent` is to know what that one did, at rate 1.
 * Prints one JSON line with its URLs when it is ready, and ends on SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { readRecording } from './binance/recording-files.ts';
import { startBinanceSim } from './binance/server.ts';
import { startBithumbSim } from './bithumb/server.ts';
import { startKucoinSim } from './kucoin/server.ts';
import { startUpbitSim } from './upbit/server.ts';

const { values } = parseArgs({
  options: {
    exchange: { type: 'string', default: 'binance' },
    port: { type: 'string', default: '0' },
    control: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    symbols: { type: 'string' },
    rate: { type: 'string', default: '1' },
    'record-limit': { type: 'string', default: '200000' },
    'record-from': { type: 'string' },
    'clock-offset': { type: 'string', default: '0' },
    recording: { type: 'string' },
    speed: { type: 'string', default: '1' },
  },
});

const [folder, day] = values.recording?.split(':') ?? [];
const { symbols: wanted } = values;
const common = {
  port: Number(values.port),
  controlPort: Number(values.control),
  seed: Number(values.seed),
  symbols: wanted === undefined ? undefined : /^\d+$/.test(wanted) ? Number(wanted) : wanted.split(','),
  rate: Number(values.rate),
  recordLimit: Number(values['record-limit']),
  recordFrom: values['record-from'] === undefined ? undefined : Number(values['record-from']),
  clock: () => Date.now() + Number(values['clock-offset']),
};
const recording = folder && day ? { ...readRecording(folder, day), speed: Number(values.speed) } : undefined;
const STAND_INS: Readonly<
  Record<string, () => ReturnType<typeof startBinanceSim | typeof startUpbitSim | typeof startKucoinSim>>
> = {
  binance: () => startBinanceSim({ ...common, recording }),
  upbit: () => startUpbitSim(common),
  bithumb: () => startBithumbSim(common),
  kucoin: () => startKucoinSim(common),
};
const start = Object.hasOwn(STAND_INS, values.exchange) ? STAND_INS[values.exchange] : undefined;
if (!start) throw new RangeError(`no stand-in of ${values.exchange}`);
const sim = await start();

const { wsUrl, restUrl, controlUrl, symbols } = sim;
process.stdout.write(`${JSON.stringify({ wsUrl, restUrl, controlUrl, symbols })}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void sim.close().then(() => process.exit(0)));
}
