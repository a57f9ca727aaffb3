/**
 * Time as a recording tells it: everything in this thread that asks what time it is, or waits, is answered by it. A second run
 * over the same recording therefore does the same, whatever the machine does meanwhile. Meant for a thread of its own.
 */

interface Timer {
  at: number;
  /** Timers of one moment run in the order in which they were set. */
  order: number;
  everyMs: number | null;
  run(): void;
}

export interface VirtualTime {
  /** Epoch ms. */
  now(): number;
  /** Lets time pass until `at` (epoch ms); resolves when everything that was due is done. Going back changes nothing. */
  advance(at: number): Promise<void>;
}

/** Everything that can be done without time passing is done. There is no I/O in this thread: promises are all there is. */
const settled = (): Promise<void> => new Promise((turn) => setImmediate(turn));

/** Replaces the clocks, timers and chance of this thread. `start`: epoch ms. */
export function installVirtualTime(start: number): VirtualTime {
  let now = start;
  let order = 0;
  const timers = new Map<object, Timer>();

  function set(run: () => void, ms: number, everyMs: number | null): object {
    const handle = { unref: () => handle, ref: () => handle, hasRef: () => true };
    timers.set(handle, { at: now + Math.max(1, ms || 0), order: order++, everyMs, run });
    return handle;
  }

  function nextDue(until: number): [object, Timer] | null {
    let next: [object, Timer] | null = null;
    for (const entry of timers) {
      const [, timer] = entry;
      if (timer.at > until) continue;
      const [, best] = next ?? [];
      if (!best || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) next = entry;
    }
    return next;
  }

  function timeout(ms: number): AbortSignal {
    const controller = new AbortController();
    set(() => controller.abort(new DOMException('timed out', 'TimeoutError')), ms, null);
    return controller.signal;
  }

  const clear = (handle: unknown): void => void timers.delete(handle as object);
  let seed = 1;
  const replaced = {
    setTimeout: (run: (...given: unknown[]) => void, ms: number, ...given: unknown[]) =>
      set(() => run(...given), ms, null),
    setInterval: (run: (...given: unknown[]) => void, ms: number, ...given: unknown[]) =>
      set(() => run(...given), ms, Math.max(1, ms)),
    clearTimeout: clear,
    clearInterval: clear,
  };
  Object.assign(globalThis, replaced);
  Date.now = () => now;
  Object.defineProperty(performance, 'now', { value: () => now - start + 1, configurable: true });
  AbortSignal.timeout = timeout;
  // pauses are jittered: the same way every time
  Math.random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 4_294_967_296;
  };

  return {
    now: () => now,
    async advance(at) {
      await settled();
      for (let next = nextDue(at); next; next = nextDue(at)) {
        const [handle, timer] = next;
        now = Math.max(now, timer.at);
        if (timer.everyMs === null) timers.delete(handle);
        else {
          timer.at = now + timer.everyMs;
          timer.order = order++;
        }
        timer.run();
        await settled();
      }
      now = Math.max(now, at);
    },
  };
}
