import { getTableName, type SQL } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { NamingDialect } from './naming-dialect.ts';

type InsertConfig = Parameters<NamingDialect['buildInsertQuery']>[0];
type UpdateConfig = Parameters<NamingDialect['buildUpdateQuery']>[0];
type DeleteConfig = Parameters<NamingDialect['buildDeleteQuery']>[0];

/** A statement that writes and was begun. */
export interface BegunWrite {
  readonly verb: 'insert' | 'update' | 'delete';
  readonly table: SQLiteTable;
}

/**
 * Knows which writes were begun with a builder and never made into SQL: they were not run, prepared or put into another statement, so they did nothing. Of one
 * `tx`, of which it keeps nothing but those. What began with `with(…)` is not watched, and reads may be built for nothing.
 */
export class WatchedDialect extends NamingDialect {
  readonly #unbuilt: BegunWrite[] = [];
  /** Each builder has a config of its own, which is the same however often it is built. */
  readonly #built = new WeakSet<InsertConfig | UpdateConfig | DeleteConfig>();

  begin(verb: BegunWrite['verb'], table: SQLiteTable): void {
    this.#unbuilt.push({ verb, table });
  }

  override buildInsertQuery(config: InsertConfig): SQL {
    this.#made('insert', config);
    return super.buildInsertQuery(config);
  }

  override buildUpdateQuery(config: UpdateConfig): SQL {
    this.#made('update', config);
    return super.buildUpdateQuery(config);
  }

  override buildDeleteQuery(config: DeleteConfig): SQL {
    this.#made('delete', config);
    return super.buildDeleteQuery(config);
  }

  #made(verb: BegunWrite['verb'], config: InsertConfig | UpdateConfig | DeleteConfig): void {
    if ((config.withList !== undefined && config.withList.length > 0) || this.#built.has(config)) return;
    this.#built.add(config);
    // Nearly always the last one, and the only one.
    const at = this.#unbuilt.findLastIndex((begun) => begun.verb === verb && begun.table === config.table);
    if (at !== -1) this.#unbuilt.splice(at, 1);
  }

  /** The first that was begun and not built, by its verb and its table's name; null: there is none. */
  unrun(): { readonly verb: string; readonly table: string } | null {
    const first = this.#unbuilt[0];
    return first === undefined ? null : { verb: first.verb, table: getTableName(first.table) };
  }
}
