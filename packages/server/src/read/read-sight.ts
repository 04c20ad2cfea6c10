import { nameList } from '@alcove/core/schema/ddl';
import type { ColumnModel, RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { mentions } from '@alcove/core/sqlite/mentions';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { ReaderClass } from '../access/reader-class.ts';
import { filteredSelect } from '../access/row-rules.ts';
import { withLiterals } from './literals.ts';

/** What of a room one class of readers may read by SQL; plain data, so that it crosses to other processes. */
export interface ReadSight {
  /** Equal sights have equal keys, and only those. */
  readonly key: string;
  readonly tables: readonly SeenTable[];
}

export interface SeenTable {
  /** As the SQL of readers names it. */
  readonly name: string;
  /** A SELECT over `main`, with values written out: views take no parameters. In PostgreSQL's dialect over the mirror's table. */
  readonly select: string;
  /** Why it cannot be read in this dialect; `select` is empty then. */
  readonly refused?: string;
}

/**
 * The tables that tabs have, each with the rows and values that the class sees.
 * @param whole For the server's own code: with tables that stay in the room.
 */
export function readSight(model: RoomModel, reader: ReaderClass, { whole = false }: { readonly whole?: boolean } = {}): ReadSight {
  const tables = model.tables.filter((table) => whole || !table.serverOnly);
  return {
    key: `${whole ? 'whole' : reader.id}.${model.schemaId}`,
    tables: tables.map((table) => ({ name: table.name, select: selectOf(table, reader) })),
  };
}

/**
 * Whether a sight is of that schema. One of another release names tables and columns that a file may lack: what SQLite says of those is no answer to whoever asked.
 */
export const isSightOf = ({ key }: ReadSight, schemaId: string): boolean => key.endsWith(`.${schemaId}`);

/**
 * SQLite does not move a reader's own conditions into a SELECT with a LIMIT. Without it they may be asked of a row before the rule is, and a function that fails over a
 * hidden value quotes it. Its price: an index helps the rule's conditions, not the reader's.
 */
const BARRIER = ' LIMIT -1';

function selectOf(table: TableModel, { filters }: ReaderClass): string {
  const filter = filters.get(table.name);
  // What is computed from a hidden value is computed again, from what is seen of it.
  const computed = filter === undefined || filter.hidden.length === 0 ? [] : table.columns.filter(({ generated }) => generated !== null);
  const names = table.columns.map(({ name }) => name);
  const plain = names.filter((name) => !computed.some((column) => column.name === name));
  const { cells, cellParams, where, whereParams } = filteredSelect(plain, filter);
  const named = cells.map((cell, index) => `${cell} AS ${quoteIdentifier(plain[index] ?? '')}`);
  const rows = where === null ? '' : ` WHERE ${where}${BARRIER}`;
  const seen = `SELECT ${named.join(', ')} FROM main.${quoteIdentifier(table.name)}${rows}`;
  const text = withLiterals(seen, [...cellParams, ...whereParams]);
  return computed.length === 0 ? text : `SELECT ${nameList(names)} FROM (${withComputed(text, computed)})`;
}

/** Around it a layer for each column, those first that are computed from no other that is still to come. */
function withComputed(select: string, columns: readonly ColumnModel[]): string {
  const next = columns.find(({ generated }) => columns.every(({ name }) => !mentions(generated?.sql ?? '', name))) ?? columns[0];
  if (next === undefined) return select;
  const layer = `SELECT *, (${next.generated?.sql ?? 'NULL'}) AS ${quoteIdentifier(next.name)} FROM (${select})`;
  return withComputed(
    layer,
    columns.filter((column) => column !== next),
  );
}
