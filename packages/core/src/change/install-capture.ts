import type { RoomModel } from '../schema/room-model.ts';
import type { Database } from '../sqlite/database.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import { CAPTURE_STATE_TABLE, CAPTURE_TABLE_PREFIX, CHECK_TRIGGER_PREFIX } from '../sqlite/system-tables.ts';
import { type CaptureObject, captureObjects } from './capture-ddl.ts';

/**
 * Makes the tables and triggers that `Capture` reads, for exactly `model`, whose tables must exist. Does nothing where they are there already;
 * replaces what belongs to another model, and drops what it had captured. Writes are captured only after `Capture.start`.
 */
export function installCapture(database: Database, model: RoomModel): void {
  const wanted = captureObjects(model);
  const found = installedObjects(database);
  if (found.length === wanted.length && wanted.every(({ name, sql }) => found.some((object) => object.name === name && object.sql === sql)))
    return;
  database.transaction(() => {
    dropObjects(database, found);
    for (const sql of captureDdl(model)) database.exec(sql);
  });
}

/** All that installCapture runs in a database that has the tables of `model` and nothing of capture's. */
export const captureDdl = (model: RoomModel): readonly string[] => [
  ...captureObjects(model).map(({ sql }) => sql),
  `INSERT INTO ${quoteIdentifier(CAPTURE_STATE_TABLE)} (id, active) VALUES (1, 0)`,
];

/** Takes away all that installCapture made: before the room's own tables are altered, which triggers on them would hinder. */
export function removeCapture(database: Database): void {
  database.transaction(() => dropObjects(database, installedObjects(database)));
}

function installedObjects(database: Database): CaptureObject[] {
  return database
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'trigger') AND name LIKE 'alcove\\_c%' ESCAPE '\\'")
    .all()
    .map(([type, name, sql]): CaptureObject => ({ type: type === 'table' ? 'table' : 'trigger', name: String(name), sql: String(sql) }))
    .filter(({ name }) => name.startsWith(CAPTURE_TABLE_PREFIX) || name.startsWith(CHECK_TRIGGER_PREFIX));
}

function dropObjects(database: Database, objects: readonly CaptureObject[]): void {
  for (const type of ['trigger', 'table'] as const) {
    for (const object of objects) if (object.type === type) database.exec(`DROP ${type} ${quoteIdentifier(object.name)}`);
  }
}
