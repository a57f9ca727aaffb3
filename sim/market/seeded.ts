/**
 * Seeded chance without state: the same question always gets the same answer, so that any moment of a simulated market can
 * be computed on its own, in any order and by any process.
 */

/** A 32-bit seed from text (FNV-1a). */
export function seedOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** An evenly spread 32-bit number for (seed, a, b); `a` may be any safe integer. */
export function hash(seed: number, a: number, b = 0): number {
  let h = seed ^ 0x9e3779b9;
  h = Math.imul(h ^ (a | 0), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ Math.floor(a / 0x100000000), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16) ^ b, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A number in [0, 1) for (seed, a, b). */
export function unit(seed: number, a: number, b = 0): number {
  return hash(seed, a, b) / 0x100000000;
}

/** A sequence of numbers in [0, 1) that starts anew from `seed` (mulberry32). */
export function sequence(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}
