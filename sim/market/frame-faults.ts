/** What can go wrong with frames on their way out, on demand. A `match` is part of a stream's name; '' is every stream. */

interface OneShot {
  kind: 'skip' | 'duplicate' | 'reorder' | 'malform';
  match: string;
  count: number;
  /** Of `malform`: the broken frame. */
  text?: string;
}

/** A frame to send: `whole` goes out as it is, without an envelope. */
export interface OutgoingFrame {
  text: string;
  whole: boolean;
}

export class FrameFaults {
  private readonly stalled = new Map<string, number>();
  private readonly pending: OneShot[] = [];
  private readonly held = new Map<string, string>();
  private readonly broken: (stream: string, cut: string) => string;

  /** `broken` makes the broken frame of `malform` out of the first half of a payload. */
  constructor(broken: (stream: string, cut: string) => string = (_stream, cut) => cut) {
    this.broken = broken;
  }

  /** Swallows the frames of matching streams, for `ms` or until `resume`; pings are still answered. */
  stall(match = '', ms = Number.POSITIVE_INFINITY): void {
    this.stalled.set(match, performance.now() + ms);
  }

  resume(): void {
    this.stalled.clear();
  }

  /** The next `count` matching frames are never sent. */
  skip(match: string, count = 1): void {
    this.pending.push({ kind: 'skip', match, count });
  }

  /** The next `count` matching frames are sent twice. */
  duplicate(match: string, count = 1): void {
    this.pending.push({ kind: 'duplicate', match, count });
  }

  /** The next matching frame is sent after the one that follows it on its stream; `count` times. */
  reorder(match: string, count = 1): void {
    this.pending.push({ kind: 'reorder', match, count });
  }

  /** A broken frame goes out before the next matching one, which itself is sent. */
  malform(match = '', text?: string): void {
    this.pending.push({ kind: 'malform', match, count: 1, text });
  }

  /** Faults of single frames that no frame has met yet, and frames that wait to be sent late. */
  get waiting(): number {
    return this.pending.length + this.held.size;
  }

  /** What goes out for one payload. */
  apply(stream: string, payload: string): OutgoingFrame[] {
    const frame = { text: payload, whole: false };
    const late = this.held.get(stream);
    if (late !== undefined) {
      this.held.delete(stream);
      return [frame, { text: late, whole: false }];
    }
    if (this.isStalled(stream)) return [];
    const fault = this.pending.find((f) => stream.includes(f.match));
    if (!fault) return [frame];
    if (--fault.count <= 0) this.pending.splice(this.pending.indexOf(fault), 1);
    switch (fault.kind) {
      case 'skip':
        return [];
      case 'duplicate':
        return [frame, frame];
      case 'reorder':
        this.held.set(stream, payload);
        return [];
      case 'malform': {
        const broken = this.broken(stream, payload.slice(0, Math.max(1, payload.length >> 1)));
        return [{ text: fault.text ?? broken, whole: true }, frame];
      }
    }
  }

  /** True while frames of the stream are swallowed. */
  isStalled(stream: string): boolean {
    for (const [match, until] of this.stalled) {
      if (performance.now() >= until) this.stalled.delete(match);
      else if (stream.includes(match)) return true;
    }
    return false;
  }
}
