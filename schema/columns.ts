/**
 * One decorator for both sides of a gold table: the GraphQL field and the column behind it, so that class = table =
 * GraphQL type. A test holds the columns against the migrated database.
 */
import { Field, Float, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CalendarDate, DateTime, Decimal } from './scalars.ts';

interface Kind {
  /** Of the GraphQL field. */
  type: () => object;
  /** Of the column, as PostgreSQL names it. */
  column: 'text' | 'numeric' | 'timestamptz' | 'integer' | 'boolean' | 'double precision' | 'date';
}

interface ColumnOptions {
  /** What the field means; absent for a column that the API does not show. */
  description?: string;
  nullable?: boolean;
  /** Part of the primary key, in order of declaration. */
  primary?: boolean;
  /** SQL default, as PostgreSQL spells it. */
  default?: string;
}

/** `openTime` → `open_time`. */
function columnName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function column(kind: Kind, options: ColumnOptions): PropertyDecorator {
  const { description, nullable = false, primary = false } = options;
  return (target, property) => {
    const name = columnName(String(property));
    const value = options.default;
    const declare = primary
      ? PrimaryColumn({ type: kind.column, name })
      : Column({ type: kind.column, name, nullable, ...(value && { default: () => value }) });
    declare(target, String(property));
    if (description) Field(kind.type, { description, nullable })(target, property);
  };
}

/** A gold table and the GraphQL type of its rows. Rows are plain objects, read without a resolver per field. */
export function Table(options: { schema: string; name: string; type: string; description: string }): ClassDecorator {
  return (target) => {
    Entity({ schema: options.schema, name: options.name })(target);
    ObjectType(options.type, { description: options.description, simpleResolvers: true })(target);
  };
}

export const Text = (options: ColumnOptions) => column({ type: () => String, column: 'text' }, options);
export const Bool = (options: ColumnOptions) => column({ type: () => Boolean, column: 'boolean' }, options);
export const Integer = (options: ColumnOptions) => column({ type: () => Int, column: 'integer' }, options);
export const Fraction = (options: ColumnOptions) => column({ type: () => Float, column: 'double precision' }, options);
/** Exact number, text in code. */
export const Amount = (options: ColumnOptions) => column({ type: () => Decimal, column: 'numeric' }, options);
/** Instant; a row has a Date or epoch milliseconds. */
export const Time = (options: ColumnOptions) => column({ type: () => DateTime, column: 'timestamptz' }, options);
/** Calendar day; a row has it as text, "2026-03-01". */
export const Day = (options: ColumnOptions) => column({ type: () => CalendarDate, column: 'date' }, options);
/** One value of a GraphQL enum, kept as its name. */
export const Choice = (choices: object, options: ColumnOptions) =>
  column({ type: () => choices, column: 'text' }, options);
