import { captureDdl } from '@alcove/core/change/install-capture';
import { nameList, roomDdl } from '@alcove/core/schema/ddl';
import type { RoomModel, TableModel } from '@alcove/core/schema/room-model';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';

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
  readonly copySql: string;
  /** One row: how many rows the room has, `room`, and how many the image, `image`. */
  readonly countSql: string;
}

/** The head of the room's log, or the floor's where the log is empty. */
const HEAD_SQL = `SELECT
  (SELECT value FROM room.alcove_meta WHERE name = 'historyId') AS historyId,
  coalesce((SELECT max(version) FROM room.alcove_log), (SELECT value FROM room.alcove_meta WHERE name = 'floor')) AS version,
  coalesce((SELECT hash FROM room.alcove_log ORDER BY version DESC LIMIT 1), (SELECT value FROM room.alcove_meta WHERE name = 'floorHash')) AS hash,
  (SELECT schema FROM room.alcove_schemas ORDER BY position DESC LIMIT 1) AS schema`;

/** Replicated tables only, each row in the order of its key. */
export const imagePlan = (model: RoomModel): ImagePlan => {
  const tables = model.tables.filter((table) => !table.serverOnly);
  const ddl = roomDdl(model, { serverOnly: false });
  const creates = ddl.filter((sql) => sql.startsWith('CREATE TABLE '));
  return {
    headSql: HEAD_SQL,
    tables: tables.map((table, index) => ({ createSql: creates[index] ?? '', copySql: copySql(table), countSql: countSql(table) })),
    indexSql: ddl.filter((sql) => !sql.startsWith('CREATE TABLE ')),
    captureSql: captureDdl(model),
  };
};

/** Generated columns are computed again. */
const copySql = (table: TableModel): string => {
  const name = quoteIdentifier(table.name);
  const columns = nameList(table.columns.filter((column) => column.generated === null).map((column) => column.name));
  return `INSERT INTO main.${name} (${columns}) SELECT ${columns} FROM room.${name} ORDER BY ${nameList(table.key)}`;
};

const countSql = (table: TableModel): string => {
  const name = quoteIdentifier(table.name);
  return `SELECT (SELECT count(*) FROM room.${name}) AS room, (SELECT count(*) FROM main.${name}) AS image`;
};
