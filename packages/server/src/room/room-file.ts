import { withForeignKeysOff } from '@alcove/core/change/apply';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { MutatorTx } from '@alcove/core/schema/define-mutator';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { roomDdl } from '@alcove/core/schema/ddl';
import { runMigrationPlan } from '@alcove/core/schema/migrate';
import type { Database } from '@alcove/core/sqlite/database';
import { writeWithTx } from '@alcove/core/sqlite/mutator-tx';
import { ChangeLog } from '../change-log/change-log.ts';
import { createLogTables } from '../change-log/log-tables.ts';
import type { MetaTable } from '../change-log/room-meta.ts';
import { FILE_FORMAT, newHistory } from '../change-log/room-meta.ts';
import { rememberMigrations, rememberSchema } from './room-migration.ts';

const BOOTS_LEAP = 1_024;

/** Makes a room in an empty file, at version 0, with what `seed` writes. */
export function createRoom(
  database: Database,
  runtime: Runtime,
  definition: AnyRoom,
  meta: MetaTable,
  seed: ((tx: MutatorTx) => void) | null,
): void {
  database.transaction(() => {
    for (const sql of roomDdl(definition.model, { serverOnly: true })) database.exec(sql);
    beginRoom(database, runtime, definition, meta);
    if (seed !== null) writeWithTx(database, 'seed', seed);
  });
}

/** Makes a room of a file with an app's tables, at version 0. What its schema lacks is derived. @throws AlcoveError `schema_mismatch`, `migration_failed` */
export function adoptTables(database: Database, runtime: Runtime, definition: AnyRoom, meta: MetaTable): void {
  withForeignKeysOff(database, () => {
    // No migration of the room's is run: the file is taken to be what the definition says, and is held against it.
    runMigrationPlan(database, definition.model, { kind: 'migrations', migrations: [], says: [] });
    beginRoom(database, runtime, definition, meta);
  });
}

/** Makes a room of its own of a copy of another room's file: same rows and version, another history, no client remembered. */
export function adoptRoomFile(database: Database, runtime: Runtime, meta: MetaTable): void {
  const { head } = new ChangeLog(database, runtime, meta.read());
  database.transaction(() => {
    for (const table of ['alcove_clients', 'alcove_rejections', 'alcove_counters']) database.exec(`DELETE FROM ${table}`);
    replaceHistory(database, runtime, meta, head.version);
    meta.write({ forgottenVersion: -1 });
  });
}

/** The file goes on from `version` under a new history. Clients stay remembered: what they pushed took effect, or is known to be lost. */
export function beginNewHistory(database: Database, runtime: Runtime, meta: MetaTable, version: number): void {
  database.transaction(() => replaceHistory(database, runtime, meta, version));
}

function replaceHistory(database: Database, runtime: Runtime, meta: MetaTable, version: number): void {
  for (const table of ['alcove_log', 'alcove_hashes']) database.exec(`DELETE FROM ${table}`);
  // The starts that the lost tail knew of are not known: a leap keeps the seqs of values from being given twice.
  meta.write({ ...newHistory(runtime, version), boots: meta.read().boots + BOOTS_LEAP });
}

function beginRoom(database: Database, runtime: Runtime, definition: AnyRoom, meta: MetaTable): void {
  createLogTables(database);
  meta.write({ format: FILE_FORMAT, roomName: definition.name, forgottenVersion: -1, boots: 0, ...newHistory(runtime, 0) });
  rememberSchema(database, runtime, definition.model, 0);
  rememberMigrations(database, runtime, definition.migrations, 0);
}
