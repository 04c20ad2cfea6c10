import { quoteIdentifier } from '../sqlite/identifier.ts';
import type { ColumnModel, ForeignKeyModel, IndexModel, RoomModel, TableModel } from './room-model.ts';

/** CREATE TABLE as every replica runs it. UNIQUE constraints are made by createIndexSql, so that they can be added later like any index. */
export function createTableSql(table: TableModel): string {
  return createTableAs(table, table.name, table.foreignKeys);
}

function createTableAs(table: TableModel, name: string, foreignKeys: readonly ForeignKeyModel[]): string {
  const parts = [
    ...table.columns.map((column) => columnSql(column)),
    `PRIMARY KEY (${nameList(table.key)})`,
    ...table.checks.map((check) => `CONSTRAINT ${quoteIdentifier(check.name)} CHECK (${check.sql})`),
    ...foreignKeys.map((foreignKey) => `FOREIGN KEY (${nameList(foreignKey.columns)}) ${referencesSql(foreignKey)}`),
  ];
  return `CREATE TABLE ${quoteIdentifier(name)} (\n  ${parts.join(',\n  ')}\n)${table.withoutRowid ? ' WITHOUT ROWID' : ''}`;
}

export const nameList = (names: readonly string[]): string => names.map(quoteIdentifier).join(', ');

/** A column as CREATE TABLE and ALTER TABLE ADD COLUMN take it. */
export function columnSql(column: ColumnModel): string {
  const parts = [quoteIdentifier(column.name), column.type];
  if (column.notNull) parts.push('NOT NULL');
  if (column.defaultSql !== null) parts.push(`DEFAULT ${column.defaultSql}`);
  if (column.generated !== null)
    parts.push(`GENERATED ALWAYS AS (${column.generated.sql}) ${column.generated.stored ? 'STORED' : 'VIRTUAL'}`);
  return parts.join(' ');
}

export function referencesSql(foreignKey: ForeignKeyModel): string {
  const actions = [
    foreignKey.onDelete === null ? '' : ` ON DELETE ${foreignKey.onDelete.toUpperCase()}`,
    foreignKey.onUpdate === null ? '' : ` ON UPDATE ${foreignKey.onUpdate.toUpperCase()}`,
  ];
  return `REFERENCES ${quoteIdentifier(foreignKey.foreignTable)} (${nameList(foreignKey.foreignColumns)})${actions.join('')}`;
}

/** UNIQUE constraints as the unique indexes they are, then the indexes. */
export function tableIndexes(table: TableModel): readonly IndexModel[] {
  const uniques = table.uniques.map((unique) => ({
    name: unique.name ?? `${table.name}_${unique.columns.join('_')}_unique`,
    unique: true,
    columns: unique.columns.map(quoteIdentifier),
    where: null,
  }));
  return [...uniques, ...table.indexes];
}

export const createIndexSql = (table: TableModel): readonly string[] => tableIndexes(table).map((index) => indexSql(table.name, index));

export function indexSql(table: string, index: IndexModel): string {
  const where = index.where === null ? '' : ` WHERE ${index.where}`;
  return `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${quoteIdentifier(index.name)} ON ${quoteIdentifier(table)} (${index.columns.join(', ')})${where}`;
}

/**
 * All tables and indexes of a room (`serverOnly: true`) or of a replica, one statement each, in an order that runs. Foreign keys to server-only
 * tables are left out of replicas, where those tables do not exist: only the room checks them.
 */
export function roomDdl(model: RoomModel, options: { readonly serverOnly: boolean }): string[] {
  const tables = model.tables.filter((table) => options.serverOnly || !table.serverOnly);
  const names = new Set(tables.map((table) => table.name));
  return tables.flatMap((table) => {
    const foreignKeys = table.foreignKeys.filter((foreignKey) => names.has(foreignKey.foreignTable));
    return [createTableAs(table, table.name, foreignKeys), ...createIndexSql(table)];
  });
}
