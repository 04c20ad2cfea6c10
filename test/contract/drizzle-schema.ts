import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { sql } from 'drizzle-orm';
import {
  customType,
  foreignKey,
  index,
  primaryKey,
  type SQLiteColumn,
  sqliteTable,
  type SQLiteTable,
  unique,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

type Columns = Readonly<Record<string, SQLiteColumn>>;

/** The Drizzle tables that `defineRoom` reads as `model`, by their names in SQLite; columns, too. */
export function drizzleSchema(model: Pick<RoomModel, 'tables'>): Record<string, SQLiteTable> {
  const tables: Record<string, SQLiteTable> = {};
  for (const table of model.tables) tables[table.name] = drizzleTable(table, tables);
  return tables;
}

/** A column of a table of `drizzleSchema`. */
export function drizzleColumn(table: SQLiteTable, name: string): SQLiteColumn {
  const column = (table as unknown as Columns)[name]; // tables have their columns as properties
  if (column === undefined) throw new RangeError(`no column ${name}`);
  return column;
}

function drizzleTable(table: TableModel, others: Readonly<Record<string, SQLiteTable>>): SQLiteTable {
  const columns = Object.fromEntries(
    table.columns.map(({ name, type, notNull, defaultSql, generated }) => {
      let column = customType<{ data: unknown }>({ dataType: () => type })(name);
      if (notNull) column = column.notNull() as typeof column; // only its type changes
      if (defaultSql !== null) column = column.default(sql.raw(defaultSql)) as typeof column;
      if (generated !== null)
        column = column.generatedAlwaysAs(sql.raw(generated.sql), {
          mode: generated.stored ? 'stored' : 'virtual',
        }) as unknown as typeof column;
      return [name, column];
    }),
  );
  return sqliteTable(table.name, columns, (own) => {
    const all = (names: readonly string[], of: unknown = own): [SQLiteColumn, ...SQLiteColumn[]] =>
      names.map((name) => (of as Columns)[name]) as [SQLiteColumn, ...SQLiteColumn[]]; // names are the model's own
    return [
      primaryKey({ columns: all(table.key) }),
      ...table.uniques.map(({ name, columns: names }) => unique(name ?? undefined).on(...all(names))),
      ...table.foreignKeys.map(({ columns: names, foreignTable, foreignColumns, onDelete, onUpdate }) => {
        const made = foreignKey({
          columns: all(names),
          foreignColumns: all(foreignColumns, foreignTable === table.name ? own : others[foreignTable]),
        } as unknown as Parameters<typeof foreignKey>[0]);
        if (onDelete !== null) made.onDelete(onDelete as 'cascade');
        if (onUpdate !== null) made.onUpdate(onUpdate as 'cascade');
        return made;
      }),
      ...table.indexes.map((one) => {
        const made = (one.unique ? uniqueIndex : index)(one.name).on(sql.raw(one.columns.join(', ')));
        return one.where === null ? made : made.where(sql.raw(one.where));
      }),
    ];
  }) as unknown as SQLiteTable;
}
