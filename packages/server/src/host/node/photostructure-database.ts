import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Database, Row, SqlValue } from '@alcove/core/sqlite/database';
import type { EngineConnection, EngineStatement } from '@alcove/core/sqlite/engine';
import { EngineDatabase } from '@alcove/core/sqlite/engine-database';
import { type ParameterForm, rewriteStatement, StatementForms } from '@alcove/core/sqlite/rewrite-statement';
import { SQLITE_CANTOPEN, type SqliteFailure, sqliteError } from '@alcove/core/sqlite/sqlite-error';
import type { StatementShape } from '@alcove/core/sqlite/statement-shape';
import { connectionPragmas, type DriverOptions } from './driver-options.ts';

type Package = typeof import('@photostructure/sqlite');
export type NativeDatabase = InstanceType<Package['DatabaseSync']>;
type NativeStatement = ReturnType<NativeDatabase['prepare']>;

/**
 * @photostructure/sqlite as a Database; `path` is a file or `:memory:`. Text that SQL itself gave a NUL is cut there when read: the package knows
 * no length. Bound text with NUL is refused as everywhere.
 * @throws AlcoveError `file_damaged`, `overloaded`, `room_failed` as SQLite says; whatever `require` says where the package is not there.
 */
export function openPhotostructure(path: string, options: DriverOptions = {}): Database {
  // Has a binary of its own for each platform: required when used, so that this module loads without it.
  const { DatabaseSync }: Package = createRequire(import.meta.url)('@photostructure/sqlite');
  const readonly = options.readonly === true;
  if ((readonly || options.create === false) && path !== ':memory:' && !existsSync(path)) {
    throw sqliteError({ resultCode: SQLITE_CANTOPEN, message: 'unable to open database file', cause: undefined }, ` (opening ${path})`);
  }
  let native: NativeDatabase | undefined;
  try {
    native = new DatabaseSync(path, { readOnly: readonly, defensive: true });
    native.exec(connectionPragmas(options));
  } catch (error) {
    native?.close();
    throw sqliteError(failureOf(error), ` (opening ${path})`);
  }
  return photostructureOver(native, options);
}

/** A Database over a handle that is open already. */
export const photostructureOver = (native: NativeDatabase, options: Pick<DriverOptions, 'readonly' | 'statementCacheMax'>): Database =>
  new EngineDatabase(new PhotostructureConnection(native), {
    begin: options.readonly === true ? 'BEGIN' : 'BEGIN IMMEDIATE',
    ...(options.statementCacheMax === undefined ? {} : { statementCacheMax: options.statementCacheMax }),
  });

class PhotostructureConnection implements EngineConnection {
  readonly engine = 'photostructure';
  readonly #native: NativeDatabase;

  constructor(native: NativeDatabase) {
    this.#native = native;
  }

  compile(sql: string, shape: StatementShape): EngineStatement {
    return new PhotostructureStatement(this.#native, sql, shape);
  }

  execute(sql: string): void {
    this.#native.exec(sql);
  }

  isInTransaction(): boolean {
    return this.#native.isTransaction;
  }

  failureOf(error: unknown): SqliteFailure {
    return failureOf(error);
  }

  close(): void {
    this.#native.close();
  }
}

class PhotostructureStatement implements EngineStatement {
  readonly #database: NativeDatabase;
  readonly #forms: StatementForms<NativeStatement>;
  readonly #returnsRows: boolean;

  constructor(database: NativeDatabase, sql: string, shape: StatementShape) {
    this.#database = database;
    const compile = (forms: readonly ParameterForm[]): NativeStatement => {
      const statement = database.prepare(forms.length === 0 ? sql : rewriteStatement(sql, shape, forms, (name) => name));
      statement.setReturnArrays(true);
      return statement;
    };
    // The package finalizes when a statement is collected.
    this.#forms = new StatementForms(formOf, compile, () => undefined);
    this.#returnsRows = this.#forms.plain.columns().length > 0;
  }

  columnNames(): readonly string[] {
    return this.#forms.plain.columns().map((column) => column.name);
  }

  run(params: Row): number {
    const statement = this.#forms.for(params);
    if (!this.#returnsRows) return statement.run(...bindable(params)).changes;
    // `run` would leave a statement that returns rows after the first one.
    statement.all(...bindable(params));
    return this.#database.prepare('SELECT changes() AS changes').get().changes;
  }

  all(params: Row): Row[] {
    if (!this.#returnsRows) {
      this.run(params);
      return [];
    }
    return this.#forms.for(params).all(...bindable(params));
  }

  first(params: Row): Row | undefined {
    return this.#forms.for(params).get(...bindable(params));
  }

  iterate(params: Row): IterableIterator<Row> {
    return this.#forms.for(params).iterate(...bindable(params));
  }

  release(): void {
    this.#forms.release();
  }
}

/** The package takes numbers just above 0 for the INTEGER 0; below 0 it does not. */
const formOf = (value: unknown): ParameterForm => (typeof value === 'number' && value > 0 && value < Number.EPSILON ? 'negated' : 'plain');

/** Integers above 32 bits would bind as REAL, so all go in as BigInt. */
const bindable = (params: Row): (SqlValue | bigint)[] =>
  params.map((value) => {
    if (typeof value !== 'number') return value;
    if (Number.isSafeInteger(value)) return BigInt(value);
    return formOf(value) === 'negated' ? -value : value;
  });

function failureOf(error: unknown): SqliteFailure {
  const message = error instanceof Error ? error.message : String(error);
  // Not told by `all` and `iterate`: the message decides then.
  const resultCode =
    typeof error === 'object' && error !== null && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
  return { resultCode, message, cause: error };
}
