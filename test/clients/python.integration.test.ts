/** The guide's client in Python goes on by itself while its socket is cut. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { pythonProgram } from '../support/python.ts';
import { withService } from '../support/service.ts';
import { recipeFile } from './recipes.ts';
import { type Served, serve } from './served.ts';
import { checkTrades, TRADES } from './trades.ts';

/** Runs the block's function and prints each event as a line of JSON. */
const MAIN = `
import asyncio, importlib.util, json, sys
spec = importlib.util.spec_from_file_location("recipe", sys.argv[1])
recipe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe)
show = lambda event: print(json.dumps(event), flush=True)
asyncio.run(recipe.follow(sys.argv[2], sys.argv[3], {}, show))
`;

await withService(
  'Python',
  async () => pythonProgram(),
  () => {
    let served: Served;
    before(async () => {
      served = await serve();
    });
    after(() => served.stop());

    test('follow.py: no hole, no repeat', { timeout: 60_000 }, async () => {
      const file = await recipeFile('follow.py');
      await checkTrades(served, (show) => {
        const stdio = ['ignore', 'pipe', 'inherit'] as const;
        const child = spawn(pythonProgram(), ['-c', MAIN, file, served.ws, TRADES], { stdio: [...stdio] });
        if (child.stdout) createInterface(child.stdout).on('line', (line) => show(JSON.parse(line)));
        return async () => {
          const ended = once(child, 'exit');
          child.kill();
          await ended;
        };
      });
    });
  },
);
