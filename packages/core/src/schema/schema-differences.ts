import { columnSql, createIndexSql, createTableSql, indexSql, referencesSql, tableIndexes } from './ddl.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import type { ColumnModel, ForeignKeyModel, IndexModel, TableModel } from './room-model.ts';
import { asciiLower, isLiteral, normalSql } from './sql-text.ts';

/** One way in which tables are not as they are wanted. */
export interface SchemaDifference {
  /** For people: which table, what. */
  readonly says: string;
  /** SQL that makes it so without touching a row; null: only a migration of the app's author can. */
  readonly steps: readonly string[] | null;
}

/**
 * How `wanted` differs from `found`, tables first, then columns, then indexes, so that the steps run in order. Orders that SQL does not care about,
 * names of constraints and the spelling of SQL make no difference.
 */
export function schemaDifferences(found: readonly TableModel[], wanted: readonly TableModel[]): SchemaDifference[] {
  const known = new Map(found.map((table) => [table.name, table]));
  const names = new Set(wanted.map((table) => table.name));
  const gone = found.filter((table) => !names.has(table.name)).map((table) => open(`table ${table.name} is no longer defined`));
  const missing = wanted
    .filter((table) => !known.has(table.name))
    .map((table) => derived(`table ${table.name} is new`, [createTableSql(table), ...createIndexSql(table)]));
  const pairs = wanted.flatMap((table) => {
    const old = known.get(table.name);
    return old === undefined ? [] : [{ old, table }];
  });
  return [
    ...gone,
    ...missing,
    ...pairs.flatMap(({ old, table }) => tableDifferences(old, table)),
    ...pairs.flatMap(({ old, table }) => indexDifferences(old, table)),
  ];
}

const open = (says: string): SchemaDifference => ({ says, steps: null });
const derived = (says: string, steps: readonly string[]): SchemaDifference => ({ says, steps });

function tableDifferences(old: TableModel, table: TableModel): SchemaDifference[] {
  const differences = columnDifferences(old, table);
  const changed = (says: string): unknown => differences.push(open(`table ${table.name}: ${says}`));
  if (old.key.join('\0') !== table.key.join('\0')) changed(`the primary key was (${old.key.join(', ')}) and is (${table.key.join(', ')})`);
  if (old.withoutRowid !== table.withoutRowid)
    changed(`WITHOUT ROWID was ${old.withoutRowid ? 'on' : 'off'} and is ${table.withoutRowid ? 'on' : 'off'}`);
  if (old.serverOnly !== table.serverOnly)
    changed(old.serverOnly ? 'it was server-only and is replicated' : 'it was replicated and is server-only');
  for (const [sql, inOld] of onlyInOne(checkTexts(old), checkTexts(table)))
    changed(inOld ? `CHECK (${sql}) is no longer defined` : `CHECK (${sql}) is new`);
  const added = new Set(addedColumns(old, table).map((column) => column.name));
  for (const [text, inOld, foreignKey] of onlyInOne(foreignKeyTexts(old), foreignKeyTexts(table))) {
    // A new column brings its own reference.
    const [only] = foreignKey.columns;
    if (!inOld && foreignKey.columns.length === 1 && only !== undefined && added.has(only)) continue;
    changed(inOld ? `the foreign key ${text} is no longer defined` : `the foreign key ${text} is new`);
  }
  return differences;
}

function columnDifferences(old: TableModel, table: TableModel): SchemaDifference[] {
  const differences: SchemaDifference[] = [];
  const wanted = new Map(table.columns.map((column) => [asciiLower(column.name), column]));
  for (const column of old.columns) {
    const now = wanted.get(asciiLower(column.name));
    if (now === undefined) differences.push(open(`table ${table.name}: column ${column.name} is no longer defined`));
    else
      for (const says of columnChanges(column, now, table.name))
        differences.push(open(`table ${table.name}: column ${column.name} ${says}`));
  }
  return [...differences, ...addedColumns(old, table).map((column) => addedColumn(table, column))];
}

function addedColumns(old: TableModel, table: TableModel): ColumnModel[] {
  const known = new Set(old.columns.map((column) => asciiLower(column.name)));
  return table.columns.filter((column) => !known.has(asciiLower(column.name)));
}

function columnChanges(old: ColumnModel, now: ColumnModel, table: string): string[] {
  const changes: string[] = [];
  if (old.name !== now.name) changes.push(`is named ${now.name} now`);
  if (typeText(old) !== typeText(now)) changes.push(`was of type ${old.type} and is of type ${now.type}`);
  if (old.notNull !== now.notNull) changes.push(now.notNull ? 'may no longer be null' : 'may be null now');
  const before = defaultText(old, table);
  const after = defaultText(now, table);
  if (before !== after) changes.push(`had the default ${old.defaultSql ?? 'NULL'} and has ${now.defaultSql ?? 'NULL'}`);
  if (generatedText(old, table) !== generatedText(now, table)) changes.push('is generated in another way');
  return changes;
}

/** Types on disk may be anything; only their spelling is compared. */
const typeText = ({ type }: ColumnModel): string =>
  type
    .toLowerCase()
    .replace(/ collate "?binary"?$/, '')
    .replaceAll(/[\s"]+/g, '');

/** SQLite's TRUE and FALSE are the numbers 1 and 0. */
const defaultText = ({ defaultSql }: ColumnModel, table: string): string =>
  normalSql(/^true$/i.test(defaultSql ?? '') ? '1' : /^false$/i.test(defaultSql ?? '') ? '0' : (defaultSql ?? 'NULL'), table);
const generatedText = ({ generated }: ColumnModel, table: string): string =>
  generated === null ? '' : `${normalSql(generated.sql, table)} ${generated.stored}`;

/** What ALTER TABLE ADD COLUMN takes on every engine, without a look at the rows. */
function addedColumn(table: TableModel, column: ColumnModel): SchemaDifference {
  const says = `table ${table.name}: column ${column.name} is new`;
  const hasDefault = column.defaultSql !== null && normalSql(column.defaultSql, table.name) !== normalSql('NULL', table.name);
  if (column.generated?.stored === true) return open(`${says} and generated STORED, which cannot be added to a table`);
  if (column.defaultSql !== null && !isLiteral(column.defaultSql)) return open(`${says} and its default is not one constant`);
  if (column.notNull && !hasDefault && column.generated === null)
    return open(`${says}, may not be null and has no default for the rows there are`);
  if (table.key.includes(column.name)) return open(`${says} and belongs to the primary key`);
  const references = table.foreignKeys.filter((foreignKey) => foreignKey.columns.length === 1 && foreignKey.columns[0] === column.name);
  if (references.length > 0 && hasDefault) return open(`${says} and references a table with a default other than null`);
  const sql = [columnSql(column), ...references.map(referencesSql)].join(' ');
  return derived(says, [`ALTER TABLE ${quoteIdentifier(table.name)} ADD COLUMN ${sql}`]);
}

function indexDifferences(old: TableModel, table: TableModel): SchemaDifference[] {
  const differences: SchemaDifference[] = [];
  // UNIQUE inside CREATE TABLE, as a migration may have written it: it serves for a unique index of the same columns.
  const constraints = new Set(
    old.uniques.filter((unique) => unique.name === null).map((unique) => columnSet(unique.columns.map(quoteIdentifier), table.name)),
  );
  const found = new Map(
    tableIndexes({ ...old, uniques: old.uniques.filter((unique) => unique.name !== null) }).map((index) => [index.name, index]),
  );
  for (const index of tableIndexes(table)) {
    const standing = found.get(index.name);
    found.delete(index.name);
    if (standing === undefined && index.unique && index.where === null && constraints.delete(columnSet(index.columns, table.name)))
      continue;
    if (standing === undefined) differences.push(derived(`table ${table.name}: index ${index.name} is new`, [indexSql(table.name, index)]));
    else if (indexText(standing, table.name) !== indexText(index, table.name)) {
      differences.push(
        derived(`table ${table.name}: index ${index.name} is another one`, [dropIndex(index.name), indexSql(table.name, index)]),
      );
    }
  }
  for (const name of found.keys()) differences.push(derived(`table ${table.name}: index ${name} is no longer defined`, [dropIndex(name)]));
  for (const columns of constraints)
    differences.push(open(`table ${table.name}: UNIQUE (${columns}) inside the table is no longer defined`));
  return differences;
}

const dropIndex = (name: string): string => `DROP INDEX ${quoteIdentifier(name)}`;
const columnSet = (columns: readonly string[], table: string): string =>
  columns
    .map((column) => normalSql(column, table))
    .sort()
    .join(', ');
const indexText = (index: IndexModel, table: string): string =>
  JSON.stringify([
    index.unique,
    index.columns.map((column) => normalSql(column, table)),
    index.where === null ? null : normalSql(index.where, table),
  ]);

const checkTexts = (table: TableModel): Map<string, string> => new Map(table.checks.map(({ sql }) => [normalSql(sql, table.name), sql]));

function foreignKeyTexts(table: TableModel): Map<string, ForeignKeyModel> {
  return new Map(
    table.foreignKeys.map((foreignKey) => [asciiLower(`(${foreignKey.columns.join(', ')}) ${referencesSql(foreignKey)}`), foreignKey]),
  );
}

/** Entries whose key is in one map only: key, whether it is in `a`, value. */
function onlyInOne<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): [string, boolean, T][] {
  const inA = [...a].filter(([key]) => !b.has(key)).map(([key, value]): [string, boolean, T] => [key, true, value]);
  const inB = [...b].filter(([key]) => !a.has(key)).map(([key, value]): [string, boolean, T] => [key, false, value]);
  return [...inA, ...inB];
}
