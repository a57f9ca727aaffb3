/** The images of a row in an envelope: values spelled, placeholders taken out, old values that are none left out. */
import type { CapturedTable, CdcRow } from '../../schema/cdc.ts';
import { BadMessage } from '../../schema/topics.ts';
import { type Connect, isTypeDefault, isUnavailable, spellValue } from './values.ts';

/** A row as far as it was said. */
export interface Image {
  row: CdcRow;
  /** Columns whose value was not sent. */
  unavailable: readonly string[];
}

function isRow(value: unknown): value is CdcRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The image in the field `name` of the envelope; null where it is null or missing. Throws BadMessage. */
export function readImage(
  value: unknown,
  name: string,
  schema: Connect | undefined,
  declared: CapturedTable | undefined,
): Image | null {
  if (value === null || value === undefined) return null;
  if (!isRow(value)) throw new BadMessage(`${name}: not a row`);
  const schemas = schema?.fields && new Map(schema.fields.map((field) => [field.field, field]));
  const unavailable: string[] = [];
  const row: Record<string, unknown> = {};
  for (const column of Object.keys(value)) {
    const one = value[column];
    const kind = declared && Object.hasOwn(declared.columns, column) ? declared.columns[column] : undefined;
    // what is not known of a table is not named in a reason: it may be anything
    const path = kind ? `${name}.${column}` : `${name}: a column`;
    // as a name it would be lost
    if (column === '__proto__' || isUnavailable(column, path)) throw new BadMessage(`${path}: no name of one`);
    if (isUnavailable(one, path)) {
      unavailable.push(column);
      continue;
    }
    try {
      row[column] = spellValue(one, schemas?.get(column), kind, path);
    } catch (error) {
      // an old row that was not logged has its types' defaults, which need not be values of theirs
      if (name !== 'before' || !isTypeDefault(one)) throw error;
      row[column] = one;
    }
  }
  return { row, unavailable };
}

/** Throws BadMessage where the row lacks what every row of its table has. */
export function checkWhole({ row, unavailable }: Image, name: string, declared: CapturedTable): void {
  const missing = declared.required.find((column) => (row[column] ?? null) === null && !unavailable.includes(column));
  if (missing) throw new BadMessage(`${name}.${missing}: missing`);
}

/**
 * The old row without what was made up. With a REPLICA IDENTITY other than FULL only the key is logged, and the other
 * columns hold null or their type's default.
 */
export function knownBefore(before: CdcRow, key: CdcRow | null): CdcRow {
  if (key === null) return before;
  const others = Object.entries(before).filter(([column]) => !Object.hasOwn(key, column));
  if (others.some(([, value]) => !isTypeDefault(value))) return before;
  return Object.fromEntries(Object.entries(before).filter(([column]) => Object.hasOwn(key, column)));
}

/** True for the same value. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** `after` with what was not sent taken from `before`, and the columns that are still not known. */
export function completed(after: Image, before: CdcRow | null): { row: CdcRow; unchanged: string[] } {
  if (after.unavailable.length === 0) return { row: after.row, unchanged: [] };
  const known = after.unavailable.filter((column) => before && Object.hasOwn(before, column));
  const found = known.map((column) => [column, before?.[column]] as const);
  return {
    row: Object.fromEntries([...Object.entries(after.row), ...found]),
    unchanged: after.unavailable.filter((column) => !known.includes(column)),
  };
}

/** Columns of `after` that the change has, or where the old value is not known may have, altered. */
export function changedColumns(before: CdcRow | null, after: CdcRow, key: CdcRow | null): string[] {
  return Object.keys(after).filter((column) => {
    if (before && Object.hasOwn(before, column)) return !isSame(before[column], after[column]);
    return !(key && Object.hasOwn(key, column));
  });
}
