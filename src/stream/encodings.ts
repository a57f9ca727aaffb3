/** Encoded results that several are told: of the newest event, and for a while of past ones, which many replay at once. */
import type { StreamStart } from '../../schema/channels.ts';
import { inOnePiece } from '../platform/graphql/outlet.ts';
import type { Delivery, Gap } from './delivery.ts';

/** Past events kept encoded while many replay the same range, and for how long. */
const REPLAYS = 2_048;
const REPLAYS_MS = 5_000;

/** Works out the result of an event, with what is told with it, as ASCII JSON. */
export interface Encoder {
  encode(delivery: Delivery<unknown>, start: StreamStart | null, gap: Gap | null): string;
}

export class Encodings {
  /** The newest event, as nearly everybody gets it and by what else is told with it. */
  private newest: Delivery<unknown> | null = null;
  private plain: string | null = null;
  private variants: Map<string, string> | null = null;
  private replays: Map<Delivery<unknown>, Map<string, string>> | null = null;
  private forgetting: NodeJS.Timeout | null = null;

  constructor(private readonly by: Encoder) {}

  /** The result of an event; the same one is worked out once. `replayed` where it is told from history. */
  of(delivery: Delivery<unknown>, start: StreamStart | null, gap: Gap | null, replayed: boolean): string {
    const isPlain = start === null && gap === null;
    if (!replayed) {
      if (this.newest !== delivery) {
        this.newest = delivery;
        this.plain = null;
        this.variants = null;
      }
      if (isPlain) {
        // most questions have one subscriber, who takes it as it was put together
        if (this.plain !== null) return inOnePiece(this.plain);
        this.plain = this.by.encode(delivery, null, null);
        return this.plain;
      }
      this.variants ??= new Map();
    }
    const known = replayed ? this.replaysOf(delivery) : this.variants;
    const variant = isPlain ? '' : JSON.stringify([start, gap]);
    const found = known?.get(variant);
    if (found !== undefined) return found;
    const made = inOnePiece(this.by.encode(delivery, start, gap));
    known?.set(variant, made);
    return made;
  }

  /** Forgets those of the past. */
  stop(): void {
    if (this.forgetting) clearTimeout(this.forgetting);
    this.replays = null;
  }

  private replaysOf(delivery: Delivery<unknown>): Map<string, string> | undefined {
    this.replays ??= new Map();
    const known = this.replays.get(delivery);
    if (known || this.replays.size >= REPLAYS) return known;
    this.forgetting ??= setTimeout(() => {
      this.forgetting = null;
      this.replays = null;
    }, REPLAYS_MS).unref();
    const payloads = new Map<string, string>();
    this.replays.set(delivery, payloads);
    return payloads;
  }
}
