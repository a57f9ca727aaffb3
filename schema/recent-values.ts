/**
 * The newest values of a topic, by their text: several groups of a process read the same message, and the process that wrote
 * it may be the one that reads it. Reading is a pure function of the text, so that what was read once need not be read again.
 */

/** Texts that fall on one slot replace each other; a miss costs a parse, nothing else. */
const SLOTS = 8_192;
/** Longer texts (whole books) have fewer slots, which bounds the memory, and are the dearest to read. */
const LONG_SLOTS = 64;
const LONG = 4_096;
/** Characters of a text that choose its slot. */
const SAMPLED = 64;

export interface Known<P> {
  readonly text: string;
  readonly payload: P;
  /** True where the text is what JSON.stringify makes of the payload. */
  readonly isOurs: boolean;
  /** True once the payload was found to be nothing but what its JSON says. */
  isPlain: boolean;
}

export class RecentValues<P> {
  readonly #short: (Known<P> | undefined)[] = [];
  readonly #long: (Known<P> | undefined)[] = [];

  /** What is known of exactly this text. */
  find(text: string): Known<P> | undefined {
    const known = this.#slotsFor(text)[slotOf(text)];
    return known !== undefined && known.text === text ? known : undefined;
  }

  /** Remembers what a text says. Readers share the payload: nobody may change it from here on. */
  keep(known: Known<P>): void {
    this.#slotsFor(known.text)[slotOf(known.text)] = known;
  }

  #slotsFor(text: string): (Known<P> | undefined)[] {
    return text.length > LONG ? this.#long : this.#short;
  }
}

function slotOf(text: string): number {
  const { length } = text;
  const step = length <= SAMPLED ? 1 : Math.floor(length / SAMPLED);
  let hash = length;
  for (let i = length - 1; i >= 0; i -= step) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  // the low bits alone would follow the last characters
  return ((hash ^ (hash >>> 15)) >>> 0) % (length > LONG ? LONG_SLOTS : SLOTS);
}
