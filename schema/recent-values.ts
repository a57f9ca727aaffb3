/**
 * The newest values of a topic, by their text: several groups of a process read the same message, and the process that wrote
 * it may be the one that reads it. Reading is a pure function of the text, so that what was read once need not be read again.
 */

/** Texts that fall on one slot replace each other; a miss costs a parse, nothing else. */
const SLOTS = 8_192;
/** Characters of a text that choose its slot. */
const SAMPLED = 64;
/** A generation is full with so many texts, or with so many characters. */
const TEXTS = 4_096;
const CHARACTERS = 2_097_152;

export interface Known<P> {
  readonly text: string;
  readonly payload: P;
  /** True where the text is what JSON.stringify makes of the payload. */
  readonly isOurs: boolean;
  /** True once the payload was found to be nothing but what its JSON says. */
  isPlain: boolean;
}

type Slots<P> = (Known<P> | undefined)[];

/** Two generations of texts: once the younger one is full, the elder one is forgotten. */
export class RecentValues<P> {
  #young: Slots<P> = [];
  #elder: Slots<P> = [];
  #texts = 0;
  #youngLength = 0;
  #elderLength = 0;

  /** Characters of all texts that are kept; never above twice a generation's. */
  get length(): number {
    return this.#youngLength + this.#elderLength;
  }

  /** What is known of exactly this text. */
  find(text: string): Known<P> | undefined {
    const slot = slotOf(text);
    const young = this.#young[slot];
    if (young !== undefined && young.text === text) return young;
    const elder = this.#elder[slot];
    return elder !== undefined && elder.text === text ? elder : undefined;
  }

  /** Remembers what a text says. Readers share the payload: nobody may change it from here on. */
  keep(known: Known<P>): void {
    const { length } = known.text;
    if (length > CHARACTERS) return;
    if (this.#texts >= TEXTS || this.#youngLength + length > CHARACTERS) this.#age();
    const slot = slotOf(known.text);
    const replaced = this.#young[slot];
    if (replaced === undefined) this.#texts += 1;
    else this.#youngLength -= replaced.text.length;
    this.#young[slot] = known;
    this.#youngLength += length;
  }

  #age(): void {
    const forgotten = this.#elder;
    forgotten.length = 0;
    [this.#elder, this.#elderLength] = [this.#young, this.#youngLength];
    [this.#young, this.#youngLength, this.#texts] = [forgotten, 0, 0];
  }
}

function slotOf(text: string): number {
  const { length } = text;
  const step = length <= SAMPLED ? 1 : Math.floor(length / SAMPLED);
  let hash = length;
  for (let i = length - 1; i >= 0; i -= step) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  // the low bits alone would follow the last characters
  return ((hash ^ (hash >>> 15)) >>> 0) % SLOTS;
}
