import { AlcoveError } from '@alcove/core/error';
import { columnType } from '@alcove/core/schema/column-type';
import { nameList } from '@alcove/core/schema/ddl';
import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { mentions } from '@alcove/core/sqlite/mentions';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { ReaderClass, TableFilter } from '../access/reader-class.ts';
import type { RuleSql } from '../access/rule-sql.ts';
import { neutralCondition, neutralSql } from './neutral-sql.ts';
import type { ReadSight, SeenTable } from './read-sight.ts';

/**
 * As `readSight`, over the tables of a PostgreSQL mirror. Tables that stay in the room are not there, whoever asks. A table whose rules cannot be said in PostgreSQL's dialect is in it with the reason.
 * @param schema Of the mirror, for this definition; bare.
 */
export function postgresSight(model: RoomModel, reader: ReaderClass, schema: string): ReadSight {
  const tables = model.tables.filter(({ serverOnly }) => !serverOnly);
  return { key: `postgres.${schema}.${reader.id}.${model.schemaId}`, tables: tables.map((table) => seenTable(table, reader, schema)) };
}

function seenTable(table: TableModel, { filters }: ReaderClass, schema: string): SeenTable {
  const { name } = table;
  try {
    return { name, select: selectOf(table, filters.get(name), `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`) };
  } catch (cause) {
    const { code, message } = AlcoveError.from(cause);
    if (code !== 'rule_failed') throw cause;
    return { name, select: '', refused: `the rules of table ${name}: ${message}` };
  }
}

/**
 * Into a SELECT with an OFFSET PostgreSQL moves none of the query's own conditions, which it may otherwise ask of a row before the rule: one that fails over a hidden value would quote it. Row
 * security, which the table itself has for the room, it never passes.
 */
const BARRIER = ' OFFSET 0';

function selectOf(table: TableModel, filter: TableFilter | undefined, from: string): string {
  const names = table.columns.map(({ name }) => name);
  if (filter === undefined) return `SELECT ${nameList(names)} FROM ${from}`;
  const computed = computedFromHidden(table, filter);
  const plain = names.filter((name) => !computed.some((column) => column.name === name));
  const hidden = new Map(filter.hidden.map(({ column, when }) => [column, when]));
  const cells = plain.map((name) => `${cellOf(table, name, hidden.get(name))} AS ${quoteIdentifier(name)}`);
  const rows = filter.visible === true ? '' : ` WHERE ${conditionOf(table, filter.visible)} IS TRUE${BARRIER}`;
  const seen = `SELECT ${cells.join(', ')} FROM ${from}${rows}`;
  return computed.length === 0 ? seen : `SELECT ${nameList(names)} FROM (${withComputed(seen, table, computed)}) AS seen`;
}

function cellOf(table: TableModel, name: string, when: RuleSql | undefined): string {
  const column = quoteIdentifier(name);
  return when === undefined ? column : `CASE WHEN ${conditionOf(table, when)} IS FALSE THEN ${column} END`;
}

const conditionOf = (table: TableModel, rule: RuleSql): string =>
  typeof rule === 'boolean' ? (rule ? 'TRUE' : 'FALSE') : `(${neutralCondition(rule.sql, rule.params, table)})`;

/** What is computed from a hidden value is computed again, from what is seen of it; everything else stands in the mirror. */
function computedFromHidden({ columns }: TableModel, { hidden }: TableFilter): readonly ColumnModel[] {
  const names = new Set(hidden.map(({ column }) => column));
  const found = new Set<ColumnModel>();
  for (let size = -1; size < found.size; ) {
    size = found.size;
    for (const column of columns) {
      const { generated } = column;
      if (generated === null || found.has(column) || ![...names].some((name) => mentions(generated.sql, name))) continue;
      found.add(column);
      names.add(column.name);
    }
  }
  return [...found];
}

/** Around it a layer for each column; those found first are computed from no later one but where they stand in a circle, which SQLite refuses. */
function withComputed(select: string, table: TableModel, columns: readonly ColumnModel[]): string {
  const next = columns.find((column) => columns.every((other) => other === column || !mentions(column.generated?.sql ?? '', other.name)));
  if (next === undefined) return select;
  const { sql, kind } = neutralSql(next.generated?.sql ?? 'NULL', [], table);
  const { affinity } = columnType(next.type);
  if (kind !== 'null' && kind !== affinity)
    throw new AlcoveError('rule_failed', `PostgreSQL cannot be asked the same: ${next.name} is ${affinity}, and computed as ${kind}`);
  const layer = `SELECT *, ${sql} AS ${quoteIdentifier(next.name)} FROM (${select}) AS seen`;
  return withComputed(
    layer,
    table,
    columns.filter((column) => column !== next),
  );
}
