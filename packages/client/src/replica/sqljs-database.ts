import type { Database, Row } from '@alcove/core/sqlite/database';
import type { EngineConnection, EngineStatement } from '@alcove/core/sqlite/engine';
import { EngineDatabase } from '@alcove/core/sqlite/engine-database';
import { mayBeRounded, refuseUnreadableText, toSafeNumber } from '@alcove/core/sqlite/read-values';
import { type ParameterForm, rewriteStatement, StatementForms } from '@alcove/core/sqlite/rewrite-statement';
import { type SqliteFailure, sqliteError } from '@alcove/core/sqlite/sqlite-error';
import { isDataStatement, type StatementShape } from '@alcove/core/sqlite/statement-shape';
import type { Database as NativeDatabase, Statement as NativeStatement, SqlJsStatic } from 'sql.js';

export interface SqljsDatabase extends Database {
  /** A copy of the whole database as a file's bytes. Only outside a transaction. */
  exportImage(): Uint8Array;
}

/**
 * sql.js as a Database: a fresh one, or one that starts as the SQLite file `image`. Its memory is the wasm heap's until `close`.
 * @throws AlcoveError `file_damaged` where `image` is no SQLite file.
 */
export function openSqljsDatabase(sqlJs: SqlJsStatic, image?: Uint8Array): SqljsDatabase {
  const connection = new SqljsConnection(new sqlJs.Database(image));
  try {
    connection.execute('PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;', []);
    // The file is not looked at before the first read.
    connection.execute('SELECT count(*) FROM sqlite_schema', []);
  } catch (error) {
    connection.close();
    throw sqliteError(connection.failureOf(error), ' (opening an image)');
  }
  return new SqljsEngineDatabase(connection);
}

class SqljsEngineDatabase extends EngineDatabase implements SqljsDatabase {
  readonly #connection: SqljsConnection;

  constructor(connection: SqljsConnection) {
    super(connection, { begin: 'BEGIN' });
    this.#connection = connection;
  }

  exportImage(): Uint8Array {
    return this.outsideTransaction(() => this.#connection.exportImage(), 'exportImage');
  }
}

class SqljsConnection implements EngineConnection {
  readonly engine = 'sqljs';
  readonly #native: NativeDatabase;
  /** sql.js throws SQLite's message only; the code passes by in its one place for errors. */
  readonly #resultCodes = new WeakMap<object, number>();

  constructor(native: NativeDatabase) {
    this.#native = native;
    const handleError: (resultCode: number) => null = native.handleError; // takes the code, which its types leave out
    native.handleError = (resultCode = 0) => {
      try {
        return handleError.call(native, resultCode);
      } catch (error) {
        if (typeof error === 'object' && error !== null) this.#resultCodes.set(error, resultCode);
        throw error;
      }
    };
  }

  compile(sql: string, shape: StatementShape): EngineStatement {
    return new SqljsStatement(this.#native, sql, shape);
  }

  execute(sql: string, shapes: readonly StatementShape[]): void {
    const tokens = shapes.filter(isDataStatement).flatMap((shape) => shape.tokens);
    this.#native.run(rewriteStatement(sql, { tokens }, [], backticked));
  }

  /** There is no call to ask: BEGIN fails where a transaction stands. */
  isInTransaction(): boolean {
    try {
      this.#native.run('BEGIN');
    } catch {
      return true;
    }
    this.#native.run('ROLLBACK');
    return false;
  }

  failureOf(error: unknown): SqliteFailure {
    const resultCode = typeof error === 'object' && error !== null ? this.#resultCodes.get(error) : undefined;
    return { resultCode, message: error instanceof Error ? error.message : String(error), cause: error };
  }

  exportImage(): Uint8Array {
    return this.#native.export();
  }

  close(): void {
    this.#native.close();
  }
}

/** sql.js binds integers above 32 bits as REAL and reads every number as one; its column types are asked for only where that could round. */
class SqljsStatement implements EngineStatement {
  readonly #native: NativeDatabase;
  readonly #sql: string;
  readonly #forms: StatementForms<NativeStatement>;

  constructor(native: NativeDatabase, sql: string, shape: StatementShape) {
    this.#native = native;
    this.#sql = sql;
    const quoteName = isDataStatement(shape) ? backticked : (text: string): string => text;
    this.#forms = new StatementForms(
      formOf,
      (forms) => native.prepare(rewriteStatement(sql, shape, forms, quoteName)),
      (statement) => statement.free(),
    );
  }

  /** Unnamed expressions are named by their text, so it must be the text as it was written. */
  columnNames(): readonly string[] {
    const asWritten = this.#native.prepare(this.#sql);
    try {
      return asWritten.getColumnNames();
    } finally {
      asWritten.free();
    }
  }

  run(params: Row): number {
    const statement = this.#bound(params);
    try {
      while (statement.step());
      return this.#native.getRowsModified();
    } finally {
      statement.reset();
    }
  }

  all(params: Row): Row[] {
    const statement = this.#bound(params);
    try {
      const rows: Row[] = [];
      while (statement.step()) rows.push(currentRow(statement));
      return rows;
    } finally {
      statement.reset();
    }
  }

  first(params: Row): Row | undefined {
    const statement = this.#bound(params);
    try {
      return statement.step() ? currentRow(statement) : undefined;
    } finally {
      statement.reset();
    }
  }

  *iterate(params: Row): IterableIterator<Row> {
    const statement = this.#bound(params);
    try {
      while (statement.step()) yield currentRow(statement);
    } finally {
      statement.reset();
    }
  }

  release(): void {
    this.#forms.release();
  }

  #bound(params: Row): NativeStatement {
    const statement = this.#forms.for(params);
    statement.bind([...params]);
    return statement;
  }
}

const formOf = (value: unknown): ParameterForm => (Number.isSafeInteger(value) && value !== Number(value) << 0 ? 'integer' : 'plain');

/** sql.js takes "…" for a string where no column has that name, the server's engines do not; in `…` it never is one. */
function backticked(name: string): string {
  if (!name.startsWith('"') || name.length < 2 || !name.endsWith('"')) return name;
  return `\`${name.slice(1, -1).replaceAll('""', '"').replaceAll('`', '``')}\``;
}

function currentRow(statement: NativeStatement): Row {
  const row = statement.get();
  for (const value of row) {
    if (typeof value === 'string') refuseUnreadableText(value);
    else if (mayBeRounded(value)) refuseLargeIntegers(statement);
  }
  return row;
}

function refuseLargeIntegers(statement: NativeStatement): void {
  // The second argument is in sql.js and not in its types.
  const get = statement.get.bind(statement) as (params: null, config: { useBigInt: boolean }) => unknown[];
  for (const value of get(null, { useBigInt: true })) if (typeof value === 'bigint') toSafeNumber(value);
}
