import { getTableName, type SQL } from 'drizzle-orm';
import { type SQLiteTable, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';

type InsertConfig = Parameters<SQLiteSyncDialect['buildInsertQuery']>[0];
type UpdateConfig = Parameters<SQLiteSyncDialect['buildUpdateQuery']>[0];
type DeleteConfig = Parameters<SQLiteSyncDialect['buildDeleteQuery']>[0];

/** A statement that writes and was begun. */
export interface BegunWrite {
  readonly verb: 'insert' | 'update' | 'delete';
  readonly table: SQLiteTable;
}

/**
 * Knows which writes were begun with a builder and never made into SQL: they were not run, prepared or put into another statement, so they did nothing. Of one
 * `tx`. What began with `with(…)` is not watched, and reads may be built for nothing.
 */
export class WatchedDialect extends SQLiteSyncDialect {
  readonly #begun: BegunWrite[] = [];
  /** Each builder has one of its own, which is the same however often it is built. */
  readonly #built = new Set<InsertConfig | UpdateConfig | DeleteConfig>();

  begin(verb: BegunWrite['verb'], table: SQLiteTable): void {
    this.#begun.push({ verb, table });
  }

  override buildInsertQuery(config: InsertConfig): SQL {
    this.#made(config);
    return super.buildInsertQuery(config);
  }

  override buildUpdateQuery(config: UpdateConfig): SQL {
    this.#made(config);
    return super.buildUpdateQuery(config);
  }

  override buildDeleteQuery(config: DeleteConfig): SQL {
    this.#made(config);
    return super.buildDeleteQuery(config);
  }

  #made(config: InsertConfig | UpdateConfig | DeleteConfig): void {
    if (config.withList === undefined || config.withList.length === 0) this.#built.add(config);
  }

  /** The first that was begun and not built, by its verb and its table's name; null: there is none. */
  unrun(): { readonly verb: string; readonly table: string } | null {
    if (this.#begun.length <= this.#built.size) return null;
    const built = [...this.#built].map((config) => ({ verb: verbOf(config), table: config.table }));
    for (const { verb, table } of this.#begun) {
      const at = built.findIndex((other) => other.verb === verb && other.table === table);
      if (at === -1) return { verb, table: getTableName(table) };
      built.splice(at, 1);
    }
    return null;
  }
}

const verbOf = (config: InsertConfig | UpdateConfig | DeleteConfig): BegunWrite['verb'] =>
  'values' in config ? 'insert' : 'set' in config ? 'update' : 'delete';
