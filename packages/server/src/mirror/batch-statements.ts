import { AlcoveError } from '@alcove/core/error';
import type { TableModel } from '@alcove/core/schema/room-model';
import type { Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { type MirrorNames, ROOM_COLUMN } from './mirror-names.ts';
import { type PgValue, toPgOf } from './pg-cells.ts';
import { pgTypeOf } from './pg-type.ts';
import type { TableRows } from './room-step.ts';
import type { PgStatement } from './watermark.ts';

export interface StatementBounds {
  readonly rowsMax: number;
  /** Of text and blobs; a statement has one row at least. */
  readonly bytesMax: number;
}

/**
 * What brings one room's rows to what they are: for each table what is gone, then what is there. Values go as one array a column, so that five hundred rows are one statement, whose text is always the same.
 * @throws AlcoveError `sql_failed` for a value that PostgreSQL cannot hold: names table, column and key
 */
export function batchStatements(
  names: MirrorNames,
  room: { readonly name: string; readonly id: string },
  tables: readonly TableRows[],
  bounds: StatementBounds,
): PgStatement[] {
  return tables.flatMap(({ table: { model, key }, puts, gone }) => {
    const full = names.tableOf(room.name, model.name);
    const deleted = columnsOf(model, model.key);
    const put = columnsOf(
      model,
      model.columns.map(({ name }) => name),
    );
    const keyOf = (row: Row): Row => key.map((place) => row[place] ?? null);
    return [
      ...cut(gone, bounds).map((rows) => statement(deleteText(full, model), room.id, deleted, rows, (row) => row)),
      ...cut(puts, bounds).map((rows) => statement(upsertText(full, model), room.id, put, rows, keyOf)),
    ];
  });
}

/** Takes away what is there of a room, some rows at a time; answers how many by its row count. */
export const clearStatement = (
  names: MirrorNames,
  room: { readonly name: string; readonly id: string },
  table: string,
  rowsMax: number,
): PgStatement => {
  const full = names.tableOf(room.name, table);
  return {
    text: `DELETE FROM ${full} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${full} WHERE ${ROOM_COLUMN} = $1 LIMIT $2))`,
    values: [room.id, rowsMax],
  };
};

interface MappedColumn {
  readonly name: string;
  readonly table: string;
  readonly toPg: ReturnType<typeof toPgOf>;
}

const columnsOf = (model: TableModel, names: readonly string[]): readonly MappedColumn[] =>
  names.flatMap((name) => {
    const column = model.columns.find((one) => one.name === name);
    return column === undefined ? [] : [{ name, table: model.name, toPg: toPgOf(column) }];
  });

function statement(
  text: string,
  id: string,
  columns: readonly MappedColumn[],
  rows: readonly Row[],
  keyOf: (row: Row) => Row,
): PgStatement {
  const arrays = columns.map(({ table, toPg }, place) =>
    rows.map((row) =>
      mapped(
        table,
        () => toPg(row[place] ?? null),
        () => keyOf(row),
      ),
    ),
  );
  return { text, values: [id, ...arrays] };
}

function mapped(table: string, map: () => PgValue, key: () => Row): PgValue {
  try {
    return map();
  } catch (cause) {
    const { code, message, hint } = AlcoveError.from(cause);
    throw new AlcoveError(code, `table ${table}, row ${JSON.stringify(key()).slice(0, 200)}: ${message}`, { hint, cause });
  }
}

const unnested = (model: TableModel, names: readonly string[]): string =>
  `unnest(${names
    .map((name, index) => {
      const column = model.columns.find((one) => one.name === name);
      return `$${index + 2}::${column === undefined ? 'text' : pgTypeOf(column)}[]`;
    })
    .join(', ')})`;

function upsertText(full: string, model: TableModel): string {
  const names = model.columns.map(({ name }) => name);
  const key = new Set(model.key);
  const others = names.filter((name) => !key.has(name)).map(quoteIdentifier);
  const changed = others.length === 0 ? 'NOTHING' : `UPDATE SET ${others.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`;
  return (
    `INSERT INTO ${full} (${[ROOM_COLUMN, ...names].map(quoteIdentifier).join(', ')}) SELECT $1, u.* FROM ${unnested(model, names)} AS u ` +
    `ON CONFLICT (${[ROOM_COLUMN, ...model.key].map(quoteIdentifier).join(', ')}) DO ${changed}`
  );
}

function deleteText(full: string, model: TableModel): string {
  const aliases = model.key.map((_, index) => `k${index}`);
  const same = model.key.map((name, index) => `t.${quoteIdentifier(name)} = k.k${index}`);
  return `DELETE FROM ${full} t USING ${unnested(model, model.key)} AS k(${aliases.join(', ')}) WHERE t.${ROOM_COLUMN} = $1 AND ${same.join(' AND ')}`;
}

function cut(rows: readonly Row[], { rowsMax, bytesMax }: StatementBounds): Row[][] {
  const parts: Row[][] = [];
  let part: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = sizeOf(row);
    if (part.length > 0 && (part.length >= rowsMax || bytes + size > bytesMax)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

const sizeOf = (row: Row): number =>
  row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' || cell instanceof Uint8Array ? cell.length : 8), 0);
