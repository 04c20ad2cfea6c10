import type { SqlTable } from './sql-complaint.ts';

/** The part of a room's model that the list of tables needs. */
interface Model {
  readonly tables: readonly {
    readonly name: string;
    readonly serverOnly: boolean;
    readonly key: readonly string[];
    readonly columns: readonly { readonly name: string; readonly type: string }[];
  }[];
}

/** The tables that a tab has, in the order of the room's schema. */
export const sqlTables = ({ tables }: Model): SqlTable[] =>
  tables
    .filter((table) => !table.serverOnly)
    .map(({ name, key, columns }) => ({
      name,
      columns: columns.map((column) => ({ name: column.name, type: column.type, isKey: key.includes(column.name) })),
    }));
