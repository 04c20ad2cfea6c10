import type { TableModel } from '@alcove/core/schema/room-model';
import { columnType } from '@alcove/core/schema/column-type';
import { AlcoveError } from '@alcove/core/error';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';

/**
 * Bytes of text and blobs in one row. PostgreSQL takes a gigabyte in a message, Node a text of half of that; a blob goes as twice its length of text. A longer row is not read at all: its room fails
 * with what it is told here, and no other.
 */
export const ROW_BYTES_MAX = 64 * 1024 * 1024;

/** A row with every column of its table, generated ones among them, and the bytes of what is long in it. */
export interface SizedRow {
  readonly cells: Row;
  readonly bytes: number;
}

/** How one table's rows are read from a room's file. */
export class RoomTable {
  readonly model: TableModel;
  /** Positions of the key's columns. */
  readonly key: readonly number[];
  readonly #select: string;

  constructor(model: TableModel) {
    this.model = model;
    this.key = model.key.map((name) => model.columns.findIndex((column) => column.name === name));
    this.#select = selectOf(model);
  }

  /** @throws AlcoveError `sql_failed`, as `page` does, for a row that cannot be read or is longer than ROW_BYTES_MAX: names the table and, if it is known, the key. */
  byKey(database: Database, key: Row): SizedRow | null {
    const sql = `${this.#select} WHERE ${this.model.key.map((name) => `${quoteIdentifier(name)} = ?`).join(' AND ')}`;
    return this.#named(() => {
      const row = database.prepare(sql).get(key);
      return row === undefined ? null : this.#sized(row);
    });
  }

  /** Rows behind `after` (null: from the first) in the order of their keys: as many as `bytesMax` takes, one at least, and no more than `rowsMax`. */
  page(database: Database, after: Row | null, rowsMax: number, bytesMax: number): SizedRow[] {
    const columns = this.model.key.map(quoteIdentifier).join(', ');
    const behind = after === null ? '' : ` WHERE (${columns}) > (${after.map(() => '?').join(', ')})`;
    const rows: SizedRow[] = [];
    let bytes = 0;
    return this.#named(() => {
      for (const row of database.prepare(`${this.#select}${behind} ORDER BY ${columns} LIMIT ?`).iterate([...(after ?? []), rowsMax])) {
        const sized = this.#sized(row);
        rows.push(sized);
        bytes += sized.bytes;
        if (bytes >= bytesMax) break;
      }
      return rows;
    });
  }

  keyOf(row: Row): Row {
    return this.key.map((position) => row[position] ?? null);
  }

  #sized(row: Row): SizedRow {
    const bytes = Number(row[row.length - 1]);
    const cells = row.slice(0, -1);
    if (bytes <= ROW_BYTES_MAX) return { cells, bytes };
    const key = JSON.stringify(this.keyOf(cells)).slice(0, 200);
    throw new AlcoveError('sql_failed', `the row ${key} has ${bytes} bytes of text and blobs; mirrors take ${ROW_BYTES_MAX}`, {
      hint: 'Keep what is so long outside the room, or leave the room out of the mirror.',
    });
  }

  #named<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (cause) {
      const error = AlcoveError.from(cause, 'sql_failed');
      throw new AlcoveError(error.code, `table ${this.model.name}: ${error.message}`, { hint: error.hint, cause });
    }
  }
}

/** All columns, and last the bytes of those that may be long; what passes the bound is not loaded, since SQLite knows a value's length without it. */
function selectOf({ name, columns, key }: TableModel): string {
  const keys = new Set(key);
  const long = columns.filter((column) => isLong(column.type));
  const bytes = long.map((column) => `coalesce(octet_length(${quoteIdentifier(column.name)}), 0)`).join(' + ');
  const cells = columns.map((column) => {
    const quoted = quoteIdentifier(column.name);
    if (!isLong(column.type) || keys.has(column.name)) return quoted;
    return `CASE WHEN octet_length(${quoted}) <= ${ROW_BYTES_MAX} THEN ${quoted} END`;
  });
  return `SELECT ${cells.join(', ')}, ${bytes === '' ? '0' : bytes} FROM ${quoteIdentifier(name)}`;
}

/** Any column may hold text or a blob; of the declared kinds these are meant to. */
const isLong = (type: string): boolean => {
  const { affinity } = columnType(type);
  return affinity === 'text' || affinity === 'blob' || affinity === 'numeric';
};
