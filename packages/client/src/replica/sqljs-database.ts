import { AlcoveError } from '@alcove/core/error';
import type { Database, Row } from '@alcove/core/sqlite/database';
import type { EngineConnection, EngineStatement } from '@alcove/core/sqlite/engine';
import { EngineDatabase } from '@alcove/core/sqlite/engine-database';
import { mayBeRounded, refuseUnreadableText, toSafeNumber } from '@alcove/core/sqlite/read-values';
import { type ParameterForm, rewriteStatement, StatementForms } from '@alcove/core/sqlite/rewrite-statement';
import { type SqliteFailure, sqliteError } from '@alcove/core/sqlite/sqlite-error';
import { isDataStatement, type StatementShape } from '@alcove/core/sqlite/statement-shape';
import type { Database as NativeDatabase, Statement as NativeStatement, SqlJsStatic } from 'sql.js';
import { SqljsText, statementAddress } from './sqljs-text.ts';

export interface SqljsDatabase extends Database {
  /** A copy of the whole database as a file's bytes. Only outside a transaction. */
  exportImage(): Uint8Array;
}

/**
 * The database is memory and nobody else's: without these three SQLite would keep a journal file, sync it and look for other processes' changes, all in
 * emscripten's file system and ten times the cost of a small write.
 */
const ALONE_IN_MEMORY = 'PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF';
const PRAGMAS = `PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF; ${ALONE_IN_MEMORY}`;

/**
 * sql.js as a Database: a fresh one, or one that starts as the SQLite file `image`. Its memory is the wasm heap's until `close`.
 * @throws AlcoveError `file_damaged` where `image` is no SQLite file.
 */
export function openSqljsDatabase(sqlJs: SqlJsStatic, image?: Uint8Array): SqljsDatabase {
  const connection = new SqljsConnection(new sqlJs.Database(image), new SqljsText(sqlJs));
  const database = new SqljsEngineDatabase(connection);
  try {
    // The file is not looked at before the first read.
    connection.execute(`${PRAGMAS}; SELECT count(*) FROM sqlite_schema`, []);
    if (image !== undefined) refuseCutImage(database, image.length);
    return database;
  } catch (error) {
    database.close();
    throw error instanceof AlcoveError ? error : sqliteError(connection.failureOf(error), ' (opening an image)');
  }
}

/** SQLite fills up a last page that is cut with zeros, which may look like no rows. */
function refuseCutImage(database: Database, bytes: number): void {
  const size = Number(database.prepare('PRAGMA page_count').get()?.[0]) * Number(database.prepare('PRAGMA page_size').get()?.[0]);
  if (bytes < size) throw new AlcoveError('file_damaged', `the image has ${bytes} of ${size} bytes`);
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
  readonly #text: SqljsText;
  /** sql.js throws SQLite's message only; the code passes by in its one place for errors. */
  readonly #resultCodes = new WeakMap<object, number>();

  constructor(native: NativeDatabase, text: SqljsText) {
    this.#native = native;
    this.#text = text;
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
    return new SqljsStatement(this.#native, this.#text, sql, shape);
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

class SqljsStatement implements EngineStatement {
  readonly #native: NativeDatabase;
  readonly #sql: string;
  readonly #forms: StatementForms<CompiledText>;

  constructor(native: NativeDatabase, text: SqljsText, sql: string, shape: StatementShape) {
    this.#native = native;
    this.#sql = sql;
    const quoteName = isDataStatement(shape) ? backticked : (name: string): string => name;
    const compile = (forms: readonly ParameterForm[]): CompiledText =>
      new CompiledText(native.prepare(rewriteStatement(sql, shape, forms, quoteName)), text);
    this.#forms = new StatementForms(formOf, compile, (compiled) => compiled.statement.free());
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
    const { statement } = this.#bound(params);
    try {
      while (statement.step());
      return this.#native.getRowsModified();
    } finally {
      statement.reset();
    }
  }

  all(params: Row): Row[] {
    const compiled = this.#bound(params);
    const rows: Row[] = [];
    try {
      while (compiled.statement.step()) rows.push(compiled.currentRow());
      return rows;
    } finally {
      compiled.statement.reset();
    }
  }

  first(params: Row): Row | undefined {
    const compiled = this.#bound(params);
    try {
      return compiled.statement.step() ? compiled.currentRow() : undefined;
    } finally {
      compiled.statement.reset();
    }
  }

  *iterate(params: Row): IterableIterator<Row> {
    const compiled = this.#bound(params);
    try {
      while (compiled.statement.step()) yield compiled.currentRow();
    } finally {
      compiled.statement.reset();
    }
  }

  release(): void {
    this.#forms.release();
  }

  #bound(params: Row): CompiledText {
    const compiled = this.#forms.for(params);
    // Every run ends with a reset.
    if (params.length > 0) compiled.statement.bind([...params]);
    return compiled;
  }
}

/** sql.js reads every number as a REAL; which of them are INTEGERs is asked only where reading one so could have rounded it. */
class CompiledText {
  readonly statement: NativeStatement;
  readonly #text: SqljsText;
  readonly #address: number;

  constructor(statement: NativeStatement, text: SqljsText) {
    this.statement = statement;
    this.#text = text;
    this.#address = statementAddress(statement);
  }

  currentRow(): Row {
    const row = this.statement.get();
    for (let column = 0; column < row.length; column += 1) {
      const value = row[column] ?? null;
      if (typeof value === 'string') {
        refuseUnreadableText(value);
        row[column] = this.#text.restored(value, this.#address, column);
      } else if (mayBeRounded(value)) this.#refuseLargeIntegers();
    }
    return row;
  }

  #refuseLargeIntegers(): void {
    // The second argument is in sql.js and not in its types.
    const get = this.statement.get.bind(this.statement) as (params: null, config: { useBigInt: boolean }) => unknown[];
    for (const value of get(null, { useBigInt: true })) if (typeof value === 'bigint') toSafeNumber(value);
  }
}

/** sql.js binds integers above 32 bits as REAL. */
const formOf = (value: unknown): ParameterForm => (Number.isSafeInteger(value) && value !== Number(value) << 0 ? 'integer' : 'plain');

/** sql.js takes "…" for a string where no column has that name, the server's engines do not; in `…` it never is one. */
function backticked(name: string): string {
  if (!name.startsWith('"') || name.length < 2 || !name.endsWith('"')) return name;
  return `\`${name.slice(1, -1).replaceAll('""', '"').replaceAll('`', '``')}\``;
}
