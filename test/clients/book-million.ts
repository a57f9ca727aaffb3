/**
 * The long form of book-copy.integration.test.ts, not part of the tests: a million updates of one book, some minutes.
 * `node --import tsx test/clients/book-million.ts [updates] [seed]` prints what the clients have seen.
 */
import { copyBooks } from './book-run.ts';

const [updates = 1_000_000, seed = 1] = process.argv.slice(2).map(Number);
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const started = performance.now();
const seen = await copyBooks({
  updates,
  seed,
  perTurn: 40,
  throttles: [0, 100, 1_000],
  onProgress: (done, so) => print(`${done} updates, ${so.events} events, ${so.reconnects} reconnects`),
});
print(`${updates} updates, seed ${seed}: every checksum right ${JSON.stringify(seen)}`);
print(`${Math.round((performance.now() - started) / 1_000)} s`);
