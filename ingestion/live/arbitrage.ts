/**
 * Spreads on the live stream: only what changed. What is said for the averages alone keeps the newest state fresh, so that a
 * reader can tell a spread that stands from one that nobody works out any more.
 */
import { type ArbitrageEvent, arbitrageId } from '../../schema/arbitrage.ts';
import { arbitrageKey } from '../../schema/live/keys.ts';
import type { LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import type { Item } from '../workers/worker.ts';
import type { LiveView, MakeView, Planned, Publication, Withheld } from './view.ts';

function write(event: ArbitrageEvent): LiveWrite {
  const { base } = event;
  return { kind: 'field', key: arbitrageKey(base), field: arbitrageId(event), value: JSON.stringify(event) };
}

class ArbitrageView implements LiveView<ArbitrageEvent> {
  /** Of the batch: the newest of each spread that only says again what was said. */
  #again = new Map<string, ArbitrageEvent>();

  constructor(
    private readonly store: LiveStore,
    private readonly streamOf: (event: ArbitrageEvent) => string,
  ) {}

  plan({ payload }: Item<ArbitrageEvent>): Publication | Withheld {
    const id = arbitrageId(payload);
    if (payload.changed) {
      this.#again.delete(id);
      return { writes: [write(payload)] };
    }
    this.#again.set(id, payload);
    return 'repeat';
  }

  undo(): void {
    this.#again.clear();
  }

  async settle(_planned: readonly Planned<ArbitrageEvent>[]): Promise<void> {
    const again = [...this.#again.values()];
    this.#again.clear();
    const [first] = again;
    if (first) await this.store.put(this.streamOf(first), again.map(write));
  }
}

export const arbitrageView: MakeView<ArbitrageEvent> = (store, stream) => new ArbitrageView(store, stream);
