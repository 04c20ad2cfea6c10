import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Json } from '../json.ts';
import { tableIndexes } from './ddl.ts';
import type { ColumnModel, TableModel } from './room-model.ts';
import { normalSql } from './sql-text.ts';

/**
 * Names what tabs and the room must agree on: the replicated tables. Server-only tables do not count. Nor does any order that SQL does not
 * care about (tables, columns, indexes, constraints), because a column added later stands last on disk wherever it stands in the definition; nor does
 * the spelling of SQL. 64 characters of lower-case hex.
 */
export function schemaIdOf(tables: readonly TableModel[]): string {
  const replicated = tables.filter((table) => !table.serverOnly);
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(sorted(replicated.map(canonicalTable))))));
}

/** SQL in its normal spelling; UNIQUE constraints as the indexes they are; constraints without their names, which do nothing. */
function canonicalTable(table: TableModel): Json {
  const normal = (sql: string | null): string | null => (sql === null ? null : normalSql(sql, table.name));
  return {
    name: table.name,
    columns: sorted(table.columns.map((column) => canonicalColumn(column, normal))),
    key: [...table.key],
    withoutRowid: table.withoutRowid,
    checks: sorted(table.checks.map(({ sql }) => normal(sql))),
    foreignKeys: sorted(table.foreignKeys.map((foreignKey) => ({ ...foreignKey }))),
    indexes: sorted(
      tableIndexes(table).map(({ name, unique, columns, where }) => ({ name, unique, columns: columns.map(normal), where: normal(where) })),
    ),
  };
}

function canonicalColumn({ name, type, notNull, defaultSql, generated }: ColumnModel, normal: (sql: string | null) => string | null): Json {
  const made = generated === null ? null : { sql: normal(generated.sql), stored: generated.stored };
  return { name, type: type.toLowerCase(), notNull, defaultSql: normal(defaultSql), generated: made };
}

/** By their canonical JSON, in code units: the same in every locale. */
function sorted(values: readonly Json[]): readonly Json[] {
  const texts = values.map((value) => ({ value, text: canonicalJson(value) }));
  return texts.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ value }) => value);
}

/** JSON with the keys of every object in code-unit order and no spaces: equal values have equal text. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
