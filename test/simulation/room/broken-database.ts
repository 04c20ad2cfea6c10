import type { Database, Statement } from '@alcove/core/sqlite/database';
import { WrappedDatabase } from './wrapped-database.ts';

/** A database in which statements of some text do something else. */
export class BrokenDatabase extends WrappedDatabase {
  readonly #text: RegExp;
  readonly #breakIt: (statement: Statement) => Statement;

  constructor(inner: Database, text: RegExp, breakIt: (statement: Statement) => Statement) {
    super(inner);
    this.#text = text;
    this.#breakIt = breakIt;
  }

  override prepare(sql: string): Statement {
    const statement = super.prepare(sql);
    return this.#text.test(sql) ? this.#breakIt(statement) : statement;
  }
}
