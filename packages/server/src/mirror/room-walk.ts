import type { Database, Row } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';

/** A table whose rows are walked over, and which of its columns. */
export interface WalkedTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** A place in a walk: a row of the table of that number. */
export interface WalkedRow {
  readonly table: number;
  readonly cells: Row;
}

/**
 * All rows of some tables in one snapshot that lasts from the first to the last of them, whatever else happens in between: it is one statement, so a walk may pause for as long as it likes. Until it is ended
 * the room's log cannot be moved into its file, so it has to be short, or be given up. Nothing else runs on the database meanwhile.
 */
export class RoomWalk {
  readonly historyId: string;
  readonly version: number;
  readonly #rows: IterableIterator<Row>;
  readonly #tables: readonly WalkedTable[];

  constructor(database: Database, tables: readonly WalkedTable[]) {
    this.#tables = tables;
    this.#rows = database.prepare(walkSql(tables)).iterate();
    const [, historyId, version] = this.#rows.next().value as Row; // the first SELECT gives one row
    this.historyId = String(historyId);
    this.version = Number(version);
  }

  /** Null: that was all. */
  next(): WalkedRow | null {
    const { done, value } = this.#rows.next();
    if (done === true) return null;
    const table = Number(value[0]);
    return { table, cells: value.slice(1, 1 + (this.#tables[table]?.columns.length ?? 0)) };
  }

  /** Idempotent. */
  end(): void {
    this.#rows.return?.();
  }
}

function walkSql(tables: readonly WalkedTable[]): string {
  const width = Math.max(2, ...tables.map(({ columns }) => columns.length));
  const padded = (cells: readonly string[]): string => [...cells, ...Array<string>(width - cells.length).fill('NULL')].join(', ');
  const head = padded([
    "(SELECT value FROM alcove_meta WHERE name = 'historyId')",
    "coalesce((SELECT max(version) FROM alcove_log), (SELECT value FROM alcove_meta WHERE name = 'floor'))",
  ]);
  const rows = tables.map(
    ({ name, columns }, index) => `SELECT ${index}, ${padded(columns.map(quoteIdentifier))} FROM ${quoteIdentifier(name)}`,
  );
  return [`SELECT -1, ${head}`, ...rows].join(' UNION ALL ');
}
