/**
 * The landing store: files of raw answers, in an S3-compatible bucket or a local folder. A file is there as a whole or not
 * at all; what is written is durable when `write` resolves.
 */

export interface LandingFile {
  /** Path below the store's root, `/` between its parts. */
  key: string;
  bytes: Buffer;
}

export interface LandingStore {
  /** Writes it, over what is there under its key. Throws LandingUnavailable. */
  write(file: LandingFile): Promise<void>;
  /** Keys that begin with `prefix`, sorted, some at a time; `after`: only those behind it. Throws LandingUnavailable. */
  list(prefix: string, after?: string): AsyncIterable<readonly string[]>;
  /** Its bytes; null where there is none. Throws LandingUnavailable, LandingTooLarge. */
  read(key: string): Promise<Buffer | null>;
  /** Removes it; nothing happens where there is none. Throws LandingUnavailable. */
  delete(key: string): Promise<void>;
  close(): void;
}

/** The store did not do it now. Worth another try. */
export class LandingUnavailable extends Error {
  override readonly name = 'LandingUnavailable';
}

/** A file is larger than anything that we write. */
export class LandingTooLarge extends Error {
  override readonly name = 'LandingTooLarge';
}

export interface LandingBounds {
  /** Of one call, ms. */
  timeoutMs: number;
  /** Of one file that is read. */
  maxBytes: number;
  /** Keys of one page of a listing; 1,000 are the most. */
  pageKeys?: number;
}
