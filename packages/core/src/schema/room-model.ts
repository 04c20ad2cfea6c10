/**
 * What Alcove knows of a room's tables: plain data read from the Drizzle tables once, the base of DDL, capture, change sets and the schema id.
 * Everything in it is SQL text of SQLite's dialect or a bare (unquoted) name.
 */
export interface RoomModel {
  /** Lower-case hex of the canonical hash of the replicated tables; server-only ones and the order of definition do not count. */
  readonly schemaId: string;
  /** App tables in definition order, server-only ones included, then `alcove_values`. */
  readonly tables: readonly TableModel[];
}

export interface TableModel {
  readonly name: string;
  readonly columns: readonly ColumnModel[];
  /** Primary-key column names in key order; never empty. */
  readonly key: readonly string[];
  readonly withoutRowid: boolean;
  /** Stays in the room: neither captured, nor in snapshots, nor known to tabs. */
  readonly serverOnly: boolean;
  readonly uniques: readonly { readonly name: string | null; readonly columns: readonly string[] }[];
  readonly checks: readonly { readonly name: string; readonly sql: string }[];
  readonly foreignKeys: readonly ForeignKeyModel[];
  readonly indexes: readonly IndexModel[];
}

export interface ColumnModel {
  readonly name: string;
  /** Declared type as Drizzle gives it, e.g. `text`, `integer`, `real`, `blob`, `numeric`, with a COLLATE clause if there is one. */
  readonly type: string;
  readonly notNull: boolean;
  /** SQL of a constant default, or null. */
  readonly defaultSql: string | null;
  /** Not null: computed by SQLite on both sides and no part of rows in change sets. */
  readonly generated: { readonly sql: string; readonly stored: boolean } | null;
}

export interface ForeignKeyModel {
  readonly columns: readonly string[];
  readonly foreignTable: string;
  readonly foreignColumns: readonly string[];
  readonly onDelete: string | null;
  readonly onUpdate: string | null;
}

export interface IndexModel {
  readonly name: string;
  readonly unique: boolean;
  /** Each a quoted column or an expression, as SQL. */
  readonly columns: readonly string[];
  readonly where: string | null;
}
