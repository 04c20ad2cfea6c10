import { columnType } from '@alcove/core/schema/column-type';
import type { ColumnModel } from '@alcove/core/schema/room-model';
import { exhaustive } from '@alcove/core/error';

/** What a column is in PostgreSQL. Text compares by its bytes there, as SQLite's BINARY does. */
export type PgType = 'text' | 'bigint' | 'double precision' | 'bytea';

/** By the affinity that SQLite stores the column's values with. What has none of the four is text: see `pgCell`. */
export function pgTypeOf(column: ColumnModel): PgType {
  const { affinity } = columnType(column.type);
  switch (affinity) {
    case 'text':
    case 'numeric':
      return 'text';
    case 'integer':
      return 'bigint';
    case 'real':
      return 'double precision';
    case 'blob':
      return 'bytea';
    default:
      return exhaustive(affinity);
  }
}

/** Whether numbers are kept as their text there. */
export const isNumeric = (column: ColumnModel): boolean => columnType(column.type).affinity === 'numeric';

/** The type as a column is declared with it. */
export const declaredPgType = (type: PgType): string => (type === 'text' ? 'text COLLATE "C"' : type);
