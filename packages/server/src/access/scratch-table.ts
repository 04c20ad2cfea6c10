import type { TableModel } from '@alcove/core/schema/room-model';
import { columnSql } from '@alcove/core/schema/ddl';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';

/** The number of a row image, in a table of row images. */
export const SLOT = 'alcove_slot';

/** A table in which any row of `table` may stand, as often as need be: its columns with types, collations and generated ones, and nothing that refuses a row. */
export function scratchTableSql(table: TableModel): string {
  const columns = table.columns.map((column) => columnSql({ ...column, notNull: false, defaultSql: null }));
  return `CREATE TABLE ${quoteIdentifier(table.name)} (${SLOT} integer PRIMARY KEY, ${columns.join(', ')})`;
}
