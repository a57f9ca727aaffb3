/**
 * Text of any code point, as `fc.string({ unit: 'binary' })` and `'grapheme'` give it; those spell out all of Unicode first,
 * which takes a second in every process.
 */
import fc from 'fast-check';

/** What several code points spell together, or a reader may take for something else. */
const SEQUENCES = [
  'e\u0301',
  '\u{1f469}\u200d\u{1f467}',
  '\u{1f1f0}\u{1f1f7}',
  '\u1112\u1161\u11ab',
  '\ufeff',
  '\u2028',
  '\u202e',
];

const range = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map(
    (point) => String.fromCodePoint(point),
    (text) => {
      const point = typeof text === 'string' ? text.codePointAt(0) : undefined;
      // the texts that fast-check knows as dangerous are tried where it can tell how they are made
      if (point === undefined || text !== String.fromCodePoint(point)) throw new TypeError('not one code point');
      return point;
    },
  );

const unit = fc.oneof(
  { weight: 8, arbitrary: range(0x20, 0x7e) },
  { weight: 2, arbitrary: range(0, 0xff) },
  { weight: 4, arbitrary: range(0x100, 0xd7ff) },
  { weight: 3, arbitrary: range(0xe000, 0x10ffff) },
  { weight: 1, arbitrary: fc.constantFrom(...SEQUENCES) },
);

/** Text of whole characters: no half of a surrogate pair. Lengths are in code points, or nearly. */
export function anyText(length: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ unit, ...length });
}
