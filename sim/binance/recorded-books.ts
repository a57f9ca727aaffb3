/**
 * The order books behind a recording: what `GET /api/v3/depth` answers while it is replayed. As long as no frame beyond the
 * captured snapshot has been sent, that snapshot is the answer, byte for byte; afterwards it is the snapshot with the frames
 * sent so far applied, so that a client which comes later can join as well.
 */

export interface RecordedSnapshot {
  symbol: string;
  /** The body as captured. */
  line: string;
}

type TextLevel = [price: string, quantity: string];

interface DepthUpdate {
  U: number;
  u: number;
  b: TextLevel[];
  a: TextLevel[];
}

export class RecordedBook {
  /** Body as captured. */
  private readonly captured: string;
  private readonly bids: Map<string, string>;
  private readonly asks: Map<string, string>;
  private lastUpdateId: number;
  private touched = false;
  /** True once somebody was given a snapshot. */
  asked = false;

  constructor(captured: string) {
    const body = JSON.parse(captured) as { lastUpdateId: number; bids: TextLevel[]; asks: TextLevel[] };
    this.captured = captured;
    this.lastUpdateId = body.lastUpdateId;
    this.bids = new Map(body.bids);
    this.asks = new Map(body.asks);
  }

  /** True for the frame that follows the snapshot, and any later one. */
  isBeyond(update: DepthUpdate): boolean {
    return update.u > this.lastUpdateId;
  }

  apply(update: DepthUpdate): void {
    if (!this.isBeyond(update)) return;
    for (const [side, changes] of [
      [this.bids, update.b],
      [this.asks, update.a],
    ] as const) {
      for (const [price, quantity] of changes) {
        if (Number(quantity) === 0) side.delete(price);
        else side.set(price, quantity);
      }
    }
    this.lastUpdateId = update.u;
    this.touched = true;
  }

  body(limit: number): string {
    this.asked = true;
    if (!this.touched) {
      const whole = JSON.parse(this.captured) as { bids: TextLevel[]; asks: TextLevel[] };
      if (limit >= Math.max(whole.bids.length, whole.asks.length)) return this.captured;
    }
    // all prices have eight decimals, so without the dot they compare as whole numbers
    const units = ([price]: TextLevel) => BigInt(price.replace('.', ''));
    const sorted = (side: Map<string, string>, order: 1 | -1) =>
      [...side].sort((x, y) => (units(x) < units(y) ? -order : order)).slice(0, limit);
    return JSON.stringify({
      lastUpdateId: this.lastUpdateId,
      bids: sorted(this.bids, -1),
      asks: sorted(this.asks, 1),
    });
  }
}
