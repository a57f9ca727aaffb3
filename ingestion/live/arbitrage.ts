/**
 * Spreads on the live stream: only what changed. What is said for the averages alone keeps the newest state fresh, so that a
 * reader can tell a spread that stands from one that nobody works out any more.
 */
import { type ArbitrageEvent, arbitrageId } from '../../schema/arbitrage.ts';
import { arbitrageKey } from '../../schema/live/keys.ts';
import type { LiveStore, LiveWrite } from '../../src/platform/live/store.ts';
import type { LiveItem, LiveView, MakeView, Planned, Publication, Withheld } from './view.ts';

function write({ payload, json }: LiveItem<ArbitrageEvent>): LiveWrite {
  return { kind: 'field', key: arbitrageKey(payload.base), field: arbitrageId(payload), value: json };
}

class ArbitrageView implements LiveView<ArbitrageEvent> {
  /** Of the batch: the newest of each spread that only says again what was said. */
  #again = new Map<string, LiveItem<ArbitrageEvent>>();

  constructor(private readonly store: LiveStore) {}

  plan(item: LiveItem<ArbitrageEvent>): Publication | Withheld {
    const { payload } = item;
    const id = arbitrageId(payload);
    if (payload.changed) {
      this.#again.delete(id);
      return { writes: [write(item)] };
    }
    this.#again.set(id, item);
    return 'repeat';
  }

  undo(): void {
    this.#again.clear();
  }

  async settle(_planned: readonly Planned<ArbitrageEvent>[]): Promise<void> {
    const again = [...this.#again.values()];
    this.#again.clear();
    const [first] = again;
    if (first) await this.store.put(first.stream, again.map(write));
  }
}

export const arbitrageView: MakeView<ArbitrageEvent> = (store) => new ArbitrageView(store);
