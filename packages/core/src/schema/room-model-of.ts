import { is } from 'drizzle-orm';
import { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { AlcoveError } from '../error.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import { tableIndexes } from './ddl.ts';
import type { RoomModel, TableModel } from './room-model.ts';
import { schemaIdOf } from './schema-id.ts';
import { asciiLower } from './sql-text.ts';
import { tableModelOf } from './table-model.ts';
import { valuesTable } from './values-table.ts';

/** Keys of the schema, as the app names its tables. */
export interface ModelOptions {
  readonly serverOnly: readonly string[];
  readonly withoutRowid: readonly string[];
}

/**
 * The model of a schema of Drizzle tables, frozen to its depth.
 * @throws AlcoveError `schema_invalid` as tableModelOf does, and for what only shows across tables: a name used twice, a foreign key to a table
 * outside the schema or to columns that are not unique, an option that names no table.
 */
export function roomModelOf(schema: Readonly<Record<string, SQLiteTable>>, options: ModelOptions): RoomModel {
  for (const name of [...options.serverOnly, ...options.withoutRowid]) {
    if (!Object.hasOwn(schema, name))
      throw new AlcoveError('schema_invalid', `serverOnly or withoutRowid names ${JSON.stringify(name)}, which is no table of the schema`);
  }
  const tables = Object.entries(schema).map(([name, table]) => {
    if (!is(table, SQLiteTable)) throw new AlcoveError('schema_invalid', `schema.${name} is no sqliteTable of drizzle-orm/sqlite-core`);
    return tableModelOf(table, { serverOnly: options.serverOnly.includes(name), withoutRowid: options.withoutRowid.includes(name) });
  });
  refuseRepeatedNames(tables);
  refuseBrokenReferences(tables);
  const all = [...tables, valuesTable];
  return deepFreeze({ schemaId: schemaIdOf(all), tables: all });
}

function refuseRepeatedNames(tables: readonly TableModel[]): void {
  const seen = new Map<string, string>();
  for (const table of tables) {
    for (const name of [table.name, ...tableIndexes(table).map((index) => index.name)]) {
      const other = seen.get(asciiLower(name));
      if (other !== undefined)
        throw new AlcoveError(
          'schema_invalid',
          `the name ${JSON.stringify(name)} of table ${table.name} or one of its indexes is taken by ${other}`,
        );
      seen.set(asciiLower(name), name === table.name ? `table ${table.name}` : `an index of table ${table.name}`);
    }
  }
}

function refuseBrokenReferences(tables: readonly TableModel[]): void {
  for (const table of tables) {
    for (const { foreignTable, foreignColumns } of table.foreignKeys) {
      const target = tables.find((other) => other.name === foreignTable);
      if (target === undefined) {
        throw new AlcoveError('schema_invalid', `table ${table.name} references ${foreignTable}, which is no table of this room's schema`, {
          hint: 'Add the table to `schema`, or drop the reference.',
        });
      }
      if (isUnique(target, foreignColumns)) continue;
      throw new AlcoveError(
        'schema_invalid',
        `table ${table.name} references ${foreignTable} (${foreignColumns.join(', ')}), which is neither its primary key nor unique`,
        { hint: 'Reference the primary key, or make the referenced columns unique.' },
      );
    }
  }
}

/** As SQLite wants it of the columns a foreign key refers to; it would say so at the first write only. */
function isUnique(table: TableModel, columns: readonly string[]): boolean {
  const wanted = nameSet(columns.map(quoteIdentifier));
  const keys = [
    table.key.map(quoteIdentifier),
    ...tableIndexes(table).flatMap((index) => (index.unique && index.where === null ? [index.columns] : [])),
  ];
  return keys.some((key) => nameSet(key) === wanted);
}

const nameSet = (names: readonly string[]): string => names.map(asciiLower).sort().join(', ');

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
