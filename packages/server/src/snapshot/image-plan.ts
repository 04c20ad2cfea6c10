import { captureDdl } from '@alcove/core/change/install-capture';
import { nameList, roomDdl } from '@alcove/core/schema/ddl';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { ReaderClass, TableFilter } from '../access/reader-class.ts';
import { filteredSelect, readRulesOf } from '../access/row-rules.ts';
import type { RuleValue } from '../access/rule-sql.ts';

/**
 * The SQL that makes an image in a fresh database to which a room's file is attached as `room`; plain data, so that another process can run it, in one
 * transaction: the head first, which fixes the version, then the tables, then the indexes.
 */
export interface ImagePlan {
  /** One row: historyId, version, hash, schema. */
  readonly headSql: string;
  readonly tables: readonly ImageTablePlan[];
  /** After the rows: an index over rows that are there is built faster than row by row. */
  readonly indexSql: readonly string[];
  /** Last: what tabs capture changes with, switched off, so that none has to make it while somebody waits. */
  readonly captureSql: readonly string[];
}

export interface ImageTablePlan {
  readonly createSql: string;
  /** Names the rules that its rows are held against, in errors; null: none. */
  readonly rules: string | null;
  readonly copySql: string;
  readonly copyParams: readonly RuleValue[];
  /** One row: how many rows the class sees in the room, `room`, and how many the image has, `image`. */
  readonly countSql: string;
  readonly countParams: readonly RuleValue[];
}

/** The head of the room's log, or the floor's where the log is empty. */
const HEAD_SQL = `SELECT
  (SELECT value FROM room.alcove_meta WHERE name = 'historyId') AS historyId,
  coalesce((SELECT max(version) FROM room.alcove_log), (SELECT value FROM room.alcove_meta WHERE name = 'floor')) AS version,
  coalesce((SELECT hash FROM room.alcove_log ORDER BY version DESC LIMIT 1), (SELECT value FROM room.alcove_meta WHERE name = 'floorHash')) AS hash,
  (SELECT schema FROM room.alcove_schemas ORDER BY position DESC LIMIT 1) AS schema`;

/** Replicated tables only, of them what the class sees, each row in the order of its key. */
export const imagePlan = (model: RoomModel, { filters }: ReaderClass): ImagePlan => {
  const tables = model.tables.filter((table) => !table.serverOnly);
  const ddl = roomDdl(model, { serverOnly: false });
  const creates = ddl.filter((sql) => sql.startsWith('CREATE TABLE '));
  return {
    headSql: HEAD_SQL,
    tables: tables.map((table, index) => ({ createSql: creates[index] ?? '', ...copyOf(table, filters.get(table.name)) })),
    indexSql: ddl.filter((sql) => !sql.startsWith('CREATE TABLE ')),
    captureSql: captureDdl(model),
  };
};

/** Generated columns are computed again. */
const copyOf = (table: TableModel, filter: TableFilter | undefined): Omit<ImageTablePlan, 'createSql'> => {
  const name = quoteIdentifier(table.name);
  const columns = table.columns.filter((column) => column.generated === null).map((column) => column.name);
  const { cells, cellParams, where, whereParams } = filteredSelect(columns, filter);
  const seen = where === null ? '' : ` WHERE ${where}`;
  return {
    rules: filter === undefined ? null : readRulesOf(filter),
    copySql: `INSERT INTO main.${name} (${nameList(columns)}) SELECT ${cells.join(', ')} FROM room.${name}${seen} ORDER BY ${nameList(table.key)}`,
    copyParams: [...cellParams, ...whereParams],
    countSql: `SELECT (SELECT count(*) FROM room.${name}${seen}) AS room, (SELECT count(*) FROM main.${name}) AS image`,
    countParams: whereParams,
  };
};
