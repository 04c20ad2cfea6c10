import { createRequire } from 'node:module';
import type { Database, Row, SqlValue } from '@alcove/core/sqlite/database';
import type { EngineConnection, EngineStatement } from '@alcove/core/sqlite/engine';
import { EngineDatabase } from '@alcove/core/sqlite/engine-database';
import { mayBeRounded, refuseUnreadableText, toSafeNumber } from '@alcove/core/sqlite/read-values';
import { resultCodeOfName, SQLITE_CANTOPEN, type SqliteFailure, sqliteError } from '@alcove/core/sqlite/sqlite-error';
import { type StatementShape, writesRows } from '@alcove/core/sqlite/statement-shape';
import type BetterSqlite3 from 'better-sqlite3';
import { connectionPragmas, type DriverOptions } from './driver-options.ts';

type NativeDatabase = BetterSqlite3.Database;
type NativeValue = SqlValue | bigint;
/** Values of `?` in order, then of `?n` by number: better-sqlite3 takes those for names. */
type NativeParameters = (NativeValue[] | Record<string, NativeValue>)[];
type NativeStatement = BetterSqlite3.Statement<NativeParameters, NativeValue[]>;

/**
 * better-sqlite3 as a Database; `path` is a file or `:memory:`.
 * @throws AlcoveError `file_damaged`, `overloaded`, `room_failed` as SQLite says; whatever `require` says where the package is not there.
 */
export function openBetterSqlite3(path: string, options: DriverOptions = {}): Database {
  // An optional dependency: required when used, so that this module loads without it.
  const load: typeof BetterSqlite3 = createRequire(import.meta.url)('better-sqlite3');
  const readonly = options.readonly === true;
  let native: NativeDatabase | undefined;
  try {
    native = new load(path, { readonly, fileMustExist: readonly || options.create === false });
    native.exec(connectionPragmas(options));
  } catch (error) {
    native?.close();
    throw sqliteError(failureOf(error), ` (opening ${path})`);
  }
  return new EngineDatabase(new BetterSqlite3Connection(native), {
    begin: readonly ? 'BEGIN' : 'BEGIN IMMEDIATE',
    ...(options.statementCacheMax === undefined ? {} : { statementCacheMax: options.statementCacheMax }),
  });
}

class BetterSqlite3Connection implements EngineConnection {
  readonly engine = 'better-sqlite3';
  readonly #native: NativeDatabase;

  constructor(native: NativeDatabase) {
    this.#native = native;
  }

  compile(sql: string, shape: StatementShape): EngineStatement {
    return new BetterSqlite3Statement(this.#native, sql, shape);
  }

  execute(sql: string): void {
    this.#native.exec(sql);
  }

  isInTransaction(): boolean {
    return this.#native.inTransaction;
  }

  failureOf(error: unknown): SqliteFailure {
    return failureOf(error);
  }

  close(): void {
    this.#native.close();
  }
}

/**
 * Numbers bind as REAL here, so integers go in as BigInt. Out they come as numbers, which is fast but rounds large ones: where a value could be
 * such a one the statement runs again with BigInts. A statement that writes, or is read row by row, cannot run twice and reads BigInts at once.
 */
class BetterSqlite3Statement implements EngineStatement {
  readonly #database: NativeDatabase;
  readonly #sql: string;
  readonly #native: NativeStatement;
  readonly #exact: boolean;
  #withBigInts: NativeStatement | undefined;
  readonly #numbered: ReadonlySet<string>;

  constructor(database: NativeDatabase, sql: string, shape: StatementShape) {
    this.#database = database;
    this.#sql = sql;
    this.#exact = writesRows(shape);
    this.#numbered = new Set(
      shape.tokens.filter(({ kind, text }) => kind === 'parameter' && text !== '?').map(({ text }) => String(Number(text.slice(1)))),
    );
    this.#native = this.#prepare(this.#exact);
  }

  columnNames(): readonly string[] {
    return this.#native.reader ? this.#native.columns().map((column) => column.name) : [];
  }

  run(params: Row): number {
    const values = this.#bindable(params);
    if (!this.#native.reader) return this.#native.run(...values).changes;
    // `run` would leave a statement that returns rows after the first one.
    this.#native.all(...values);
    return Number(this.#database.prepare('SELECT changes()').pluck().get());
  }

  all(params: Row): Row[] {
    const values = this.#bindable(params);
    if (!this.#native.reader) {
      this.#native.run(...values);
      return [];
    }
    const rows = this.#native.all(...values);
    if (this.#exact || !rows.some((row) => row.some(isDoubtful))) return rows.map(toRow);
    return this.#exactly()
      .all(...values)
      .map(toRow);
  }

  first(params: Row): Row | undefined {
    const values = this.#bindable(params);
    if (!this.#native.reader) {
      this.#native.run(...values);
      return undefined;
    }
    const row = this.#native.get(...values);
    if (row === undefined) return undefined;
    if (this.#exact || !row.some(isDoubtful)) return toRow(row);
    const exact = this.#exactly().get(...values);
    return exact === undefined ? undefined : toRow(exact);
  }

  *iterate(params: Row): IterableIterator<Row> {
    const values = this.#bindable(params);
    if (!this.#native.reader) {
      this.#native.run(...values);
      return;
    }
    for (const row of this.#exactly().iterate(...values)) yield toRow(row);
  }

  release(): void {
    // better-sqlite3 finalizes when the statement is collected.
  }

  #bindable(params: Row): NativeParameters {
    const values = params.map((value) => (typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value));
    if (this.#numbered.size === 0) return [values];
    const byNumber = Object.fromEntries(values.map((value, index) => [String(index + 1), value]));
    return [values.filter((_, index) => !this.#numbered.has(String(index + 1))), byNumber];
  }

  #exactly(): NativeStatement {
    this.#withBigInts ??= this.#exact ? this.#native : this.#prepare(true);
    return this.#withBigInts;
  }

  #prepare(exact: boolean): NativeStatement {
    const statement = this.#database.prepare<NativeParameters, NativeValue[]>(this.#sql);
    return statement.reader ? statement.raw(true).safeIntegers(exact) : statement;
  }
}

const isDoubtful = (value: NativeValue): boolean => typeof value !== 'bigint' && mayBeRounded(value);

/** The native row, its values replaced in place. */
function toRow(row: NativeValue[]): Row {
  for (let index = 0; index < row.length; index += 1) {
    const value = row[index];
    if (typeof value === 'bigint') row[index] = toSafeNumber(value);
    else if (typeof value === 'string') refuseUnreadableText(value);
    else if (typeof value === 'object' && value !== null) row[index] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return row as SqlValue[]; // no bigint is left in it
}

function failureOf(error: unknown): SqliteFailure {
  const message = error instanceof Error ? error.message : String(error);
  const name = typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // The package looks for the directory itself and says so in words of its own.
  const resultCode = message.includes('the directory does not exist') ? SQLITE_CANTOPEN : resultCodeOfName(name);
  return { resultCode, message, cause: error };
}
