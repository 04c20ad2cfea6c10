import { AlcoveError } from '@alcove/core/error';
import type { ColumnModel } from '@alcove/core/schema/room-model';
import type { SqlValue } from '@alcove/core/sqlite/database';
import { isNumeric, type PgType, pgTypeOf } from './pg-type.ts';

/** A value as PostgreSQL is handed it. */
export type PgValue = null | number | string | Uint8Array;
export type PgRow = readonly PgValue[];

/** Puts a value of a column into the column's type there. It throws what cannot be put: SQLite lets any value stand in any column, PostgreSQL does not. */
export type ToPg = (value: SqlValue) => PgValue;
/** What `ToPg` was given, of what the driver hands back (a bigint as text). */
export type FromPg = (value: unknown) => SqlValue;

/**
 * Of one column. A column without one of the four types (`numeric`, `any`) is text there: numbers as their text, which no other text in such a column can look like, since SQLite would have made a
 * number of it.
 * @throws AlcoveError `sql_failed` for a value of another kind than the column's, or with a NUL: names the kind, not the value
 */
export function toPgOf(column: ColumnModel): ToPg {
  const type = pgTypeOf(column);
  const numeric = isNumeric(column);
  return (value) => {
    if (value === null) return null;
    if (fits(type, value)) return value;
    if (numeric && typeof value === 'number') return numberText(value);
    throw new AlcoveError('sql_failed', `column ${column.name} holds ${kindOf(value)}, and is ${type} in PostgreSQL`, {
      hint: 'Give the column the type of its values in the room’s schema, or correct the row.',
    });
  };
}

export function fromPgOf(column: ColumnModel): FromPg {
  const type = pgTypeOf(column);
  const numeric = isNumeric(column);
  return (value) => {
    if (value === null) return null;
    if (type === 'bigint' || type === 'double precision') return Number(value);
    if (value instanceof Uint8Array) return value;
    if (typeof value !== 'string') throw new AlcoveError('sql_failed', `column ${column.name} is not ${type} in PostgreSQL any more`);
    return numeric && NUMBER.test(value) ? Number(value) : value;
  };
}

function fits(type: PgType, value: Exclude<SqlValue, null>): boolean {
  if (type === 'bytea') return typeof value === 'object';
  if (type === 'text') return typeof value === 'string' && !value.includes('\0');
  return typeof value === 'number' && (type === 'double precision' || Number.isSafeInteger(value));
}

/** A number as SQL reads it. */
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

/** An infinite one as the literal that is too large, which SQLite reads as infinite. */
const numberText = (value: number): string => (Number.isFinite(value) ? String(value) : value > 0 ? '9e999' : '-9e999');

const kindOf = (value: Exclude<SqlValue, null>): string => {
  if (typeof value === 'object') return 'a blob';
  if (typeof value === 'string') return value.includes('\0') ? 'text with a NUL' : 'text';
  return 'a number that is not whole, or too large';
};
