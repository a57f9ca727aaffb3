/** How long things took, counted where every nanosecond counts: a few numbers, put into a metric's words when it is read. */

export interface Observed {
  /** What follows the metric's own name. */
  readonly suffix: '_bucket' | '_sum' | '_count';
  /** Of a bucket: its upper bound; `+Inf` for everything. */
  readonly le?: number | '+Inf';
  readonly value: number;
}

/** A histogram of seconds for one set of labels. */
export class Durations {
  private readonly counts: Float64Array;
  private count = 0;
  private sum = 0;

  /** Upper bounds of the buckets in seconds, ascending. */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length);
  }

  observe(seconds: number): void {
    const { bounds } = this;
    let i = 0;
    while (i < bounds.length && seconds > (bounds[i] as number)) i++;
    if (i < bounds.length) (this.counts[i] as number) += 1;
    this.count += 1;
    this.sum += seconds;
  }

  /** As Prometheus has a histogram: each bucket with those below it. */
  observed(): Observed[] {
    let below = 0;
    const buckets = this.bounds.map((le, i): Observed => {
      below += this.counts[i] ?? 0;
      return { suffix: '_bucket', le, value: below };
    });
    return [
      ...buckets,
      { suffix: '_bucket', le: '+Inf', value: this.count },
      { suffix: '_sum', value: this.sum },
      { suffix: '_count', value: this.count },
    ];
  }
}
