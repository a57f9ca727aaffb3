/**
 * Runs the stand-in of Binance as a process of its own:
 *   node --import tsx sim/main.ts [--port N] [--control N] [--seed N] [--symbols 12 | BTCUSDT,ETHUSDT] [--rate X]
 *     [--recording <folder>:<day>] [--speed X]
 * Prints one JSON line with its URLs when it is ready, and ends on SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { readRecording } from './binance/recording-files.ts';
import { startBinanceSim } from './binance/server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    control: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    symbols: { type: 'string', default: '12' },
    rate: { type: 'string', default: '1' },
    'record-limit': { type: 'string', default: '200000' },
    recording: { type: 'string' },
    speed: { type: 'string', default: '1' },
  },
});

const [folder, day] = values.recording?.split(':') ?? [];
const sim = await startBinanceSim({
  port: Number(values.port),
  controlPort: Number(values.control),
  seed: Number(values.seed),
  symbols: /^\d+$/.test(values.symbols) ? Number(values.symbols) : values.symbols.split(','),
  rate: Number(values.rate),
  recordLimit: Number(values['record-limit']),
  recording: folder && day ? { ...readRecording(folder, day), speed: Number(values.speed) } : undefined,
});

const { wsUrl, restUrl, controlUrl, symbols } = sim;
process.stdout.write(`${JSON.stringify({ wsUrl, restUrl, controlUrl, symbols })}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void sim.close().then(() => process.exit(0)));
}
