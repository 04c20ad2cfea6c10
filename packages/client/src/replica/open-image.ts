import { captureObjects } from '@alcove/core/change/capture-ddl';
import { installCapture } from '@alcove/core/change/install-capture';
import { AlcoveError } from '@alcove/core/error';
import { roomDdl } from '@alcove/core/schema/ddl';
import { verifySchema } from '@alcove/core/schema/migrate';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';

/**
 * Opens a whole image and makes it ready for pending mutations.
 * @throws AlcoveError `snapshot_failed` where it is no database, or one of other tables.
 */
export function openImage(bytes: Uint8Array, model: RoomModel, open: (bytes: Uint8Array) => Database): Database {
  let database: Database | null = null;
  try {
    database = open(bytes);
    if (!isAsMade(database, model)) verifySchema(database, replicaModelOf(model));
    installCapture(database, model);
    return database;
  } catch (cause) {
    database?.close();
    const { message } = AlcoveError.from(cause);
    throw new AlcoveError('snapshot_failed', `the image cannot be opened: ${message}`, { cause });
  }
}

/** Whether the tables and indexes are to the letter those that this side would make, capture's aside: rooms of the same release make such images. */
function isAsMade(database: Database, model: RoomModel): boolean {
  const wanted = new Set(roomDdl(model, { serverOnly: false }));
  const found = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').all();
  const capture = new Set(captureObjects(model).map(({ sql }) => sql));
  const others = found.map(([sql]) => String(sql)).filter((sql) => !capture.has(sql));
  return others.length === wanted.size && others.every((sql) => wanted.has(sql));
}

/** The tables a replica has, and no foreign keys to the others. */
export function replicaModelOf(model: RoomModel): RoomModel {
  const tables = model.tables.filter((table) => !table.serverOnly);
  const names = new Set(tables.map((table) => table.name));
  return {
    ...model,
    tables: tables.map((table) => ({
      ...table,
      foreignKeys: table.foreignKeys.filter((foreignKey) => names.has(foreignKey.foreignTable)),
    })),
  };
}
