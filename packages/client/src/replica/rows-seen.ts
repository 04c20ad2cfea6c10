import type { ChangeSet } from '@alcove/core/change/change-set';
import type { RowPuts } from '@alcove/core/change/apply';
import { keyText } from '@alcove/core/change/row-key';
import { tableShape } from '@alcove/core/change/table-shape';
import { tableIndexes } from '@alcove/core/schema/ddl';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import type { Row } from '@alcove/core/sqlite/database';
import { StatementCache } from '@alcove/core/sqlite/statement-cache';
import { boundKey, type BoundKey } from './bound-key.ts';

/** A table whose rows know nothing of each other nor of other tables': what a statement by key sees and changes is that row. */
interface LoneTable {
  readonly key: string;
  /** What the key's column keeps as it is bound. */
  readonly keyType: 'string' | 'number';
}

/** Texts of an app's mutators; each is looked at once while it is in use. */
const TEXTS_MAX = 512;

/** The rows of one model that runs of mutators saw: read, written, or found not to be there. */
export class RowsSeen {
  readonly #tables: ReadonlyMap<string, LoneTable>;
  readonly #keys = new StatementCache<BoundKey | null>(TEXTS_MAX, () => undefined);
  #seen: Set<string> | null = new Set();

  constructor(model: RoomModel) {
    this.#tables = loneTables(model);
  }

  /** A run begins. */
  begin(): void {
    this.#seen = new Set();
  }

  /** A statement of it. */
  add(sql: string, params: Row): void {
    if (this.#seen === null) return;
    const name = this.#rowOf(sql, params);
    if (name === null) this.#seen = null;
    else this.#seen.add(name);
  }

  /** What the run saw, which changed `effect`; null: perhaps more than single rows. */
  end(effect: ChangeSet): ReadonlySet<string> | null {
    const seen = this.#seen;
    if (seen === null) return null;
    for (const { table, key, rows } of effect.tables) {
      for (const { before, after } of rows) if (!seen.has(nameOf(table, keyText(after ?? before ?? [], key)))) return null;
    }
    return seen;
  }

  #rowOf(sql: string, params: Row): string | null {
    let found = this.#keys.get(sql);
    if (found === undefined) {
      found = boundKey(sql, (table) => this.#tables.get(table)?.key ?? null);
      this.#keys.set(sql, found);
    }
    if (found === null) return null;
    const value = params[found.parameter] ?? null;
    return typeof value === this.#tables.get(found.table)?.keyType ? nameOf(found.table, keyText([value], FIRST)) : null;
  }
}

/** The rows that commits put and delete, named as those seen are. */
export function rowsPut(puts: readonly RowPuts[]): Set<string> {
  const names = new Set<string>();
  for (const { table, key, puts: rows, deletes } of puts) {
    for (const row of rows) names.add(nameOf(table, keyText(row, key)));
    const wholeKey = key.map((_, index) => index);
    for (const deleted of deletes) names.add(nameOf(table, keyText(deleted, wholeKey)));
  }
  return names;
}

const FIRST = [0];
const nameOf = (table: string, key: string): string => `${table}\u0000${key}`;

function loneTables(model: RoomModel): Map<string, LoneTable> {
  const referredTo = new Set(model.tables.flatMap(({ foreignKeys }) => foreignKeys.map(({ foreignTable }) => foreignTable)));
  const lone = new Map<string, LoneTable>();
  for (const table of model.tables) {
    const found = referredTo.has(table.name) ? null : loneTable(table);
    if (found !== null) lone.set(table.name, found);
  }
  return lone;
}

/** Null where rows meet: in foreign keys, in UNIQUE values, in keys with two spellings; and where a key has more than one column. */
function loneTable(table: TableModel): LoneTable | null {
  const [key, ...more] = table.key;
  if (key === undefined || more.length > 0 || table.serverOnly || table.foreignKeys.length > 0) return null;
  if (tableIndexes(table).some(({ unique }) => unique)) return null;
  const shape = tableShape(table);
  const type = shape.types[shape.key[0] ?? -1];
  if (type === undefined || type.collation !== 'BINARY' || type.affinity === 'blob') return null;
  return { key, keyType: type.affinity === 'text' ? 'string' : 'number' };
}
