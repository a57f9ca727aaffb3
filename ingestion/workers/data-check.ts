/** What a check of a table is, and a set of them. */

export interface DataCheck {
  /** As read through the API, e.g. `ohlc_order`. */
  readonly name: string;
  /**
   * A query of exchange, symbol, `at` (the row's own time), `reason` (null for a good row) and `seen` (jsonb, what is
   * wrong), one row for each that was looked at.
   */
  readonly judged: string;
}

export interface Dataset {
  /** The table, and the name read through the API. */
  readonly name: string;
  /** Rows of a span this long are looked at in one statement. */
  readonly chunkMs: number;
  /** Looked at once more when rows that come late (a back-fill) are in; null where that would read too much. */
  readonly sweepMs: number | null;
  /** Rows that fail are looked at again after this long, and count if they still do; at once where it is left out. */
  readonly confirmMs?: number;
  /** True where a failing row means that something was lost. */
  readonly severe?: boolean;
  readonly checks: readonly DataCheck[];
}
