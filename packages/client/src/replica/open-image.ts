import { type CaptureObject, captureObjects } from '@alcove/core/change/capture-ddl';
import { installCapture } from '@alcove/core/change/install-capture';
import { AlcoveError } from '@alcove/core/error';
import { roomDdl } from '@alcove/core/schema/ddl';
import { verifySchema } from '@alcove/core/schema/migrate';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';

/** All that makes a database's tables, indexes and triggers. */
export const SCHEMA_SQL = 'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL';

/**
 * Opens a whole image and makes it ready for pending mutations.
 * @throws AlcoveError `snapshot_failed` where it is no database, or one of other tables.
 */
export function openImage(bytes: Uint8Array, model: RoomModel, open: (bytes: Uint8Array) => Database): Database {
  let database: Database | null = null;
  try {
    database = open(bytes);
    const { areTables, isCapture } = asMade(database, model);
    if (!areTables) verifySchema(database, replicaModelOf(model));
    if (!isCapture) installCapture(database, model);
    return database;
  } catch (cause) {
    database?.close();
    const { message } = AlcoveError.from(cause);
    throw new AlcoveError('snapshot_failed', `the image cannot be opened: ${message}`, { cause });
  }
}

/**
 * Whether the tables and indexes, and what capture adds to them, are to the letter those that this side would make: rooms and tabs of the same release make such
 * images, and nothing else has to be looked at then. `isCapture` only where all is.
 */
function asMade(database: Database, model: RoomModel): { readonly areTables: boolean; readonly isCapture: boolean } {
  const { tables, capture } = madeOf(model);
  const found = database.prepare(SCHEMA_SQL).all();
  const others = found.map(([sql]) => String(sql)).filter((sql) => !capture.has(sql));
  const areTables = others.length === tables.size && others.every((sql) => tables.has(sql));
  return { areTables, isCapture: areTables && found.length - others.length === capture.size };
}

interface Made {
  /** SQL of tables and indexes. */
  readonly tables: ReadonlySet<string>;
  /** Of capture's tables and triggers. */
  readonly capture: ReadonlySet<string>;
}

const made = new WeakMap<RoomModel, Made>();

/** What this side would make; a worker asks for it once while it waits for its disk. */
export function madeOf(model: RoomModel): Made {
  const known = made.get(model);
  if (known !== undefined) return known;
  const sql = (object: CaptureObject): string => object.sql;
  const makes = { tables: new Set(roomDdl(model, { serverOnly: false })), capture: new Set(captureObjects(model).map(sql)) };
  made.set(model, makes);
  return makes;
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
