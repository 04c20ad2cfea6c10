import { withForeignKeysOff } from '@alcove/core/change/apply';
import { removeCapture } from '@alcove/core/change/install-capture';
import { EMPTY_CHANGE_SET } from '@alcove/core/change/change-set';
import { encodeRecord } from '@alcove/core/change/record-codec';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { isReadableWith } from '@alcove/core/schema/compare-schemas';
import { planMigration, runMigrationPlan, verifySchema } from '@alcove/core/schema/migrate';
import type { MigrationPlan } from '@alcove/core/schema/migrate';
import type { Migration } from '@alcove/core/schema/migrations';
import { pendingMigrations } from '@alcove/core/schema/migrations';
import { decodeModel, encodeModel } from '@alcove/core/schema/model-codec';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { ChangeLog } from '../change-log/change-log.ts';
import { writeFloor } from '../change-log/prune.ts';
import type { MetaTable } from '../change-log/room-meta.ts';

/** The room runs `model` from `version` on. */
export function rememberSchema(database: Database, runtime: Runtime, model: RoomModel, version: number): void {
  database
    .prepare(
      'INSERT INTO alcove_schemas (position, schema, model, version, at_ms) SELECT 1 + coalesce(max(position), 0), ?, ?, ?, ? FROM alcove_schemas',
    )
    .run([model.schemaId, encodeModel(model), version, runtime.nowMs()]);
}

export function rememberMigrations(database: Database, runtime: Runtime, migrations: readonly Migration[], version: number): void {
  const insert = database.prepare(
    'INSERT INTO alcove_migrations (position, id, checksum, version, at_ms) SELECT 1 + coalesce(max(position), 0), ?, ?, ?, ? FROM alcove_migrations',
  );
  for (const { id, checksum } of migrations) insert.run([id, checksum, version, runtime.nowMs()]);
}

/** Ids of the schemas this room ran and does not run now, each with whether a client of it can follow the room as it is (isReadableWith). */
export function olderSchemas(database: Database, model: RoomModel): ReadonlyMap<string, boolean> {
  const rows = database.prepare('SELECT schema, model FROM alcove_schemas WHERE schema <> ? ORDER BY position').all([model.schemaId]);
  return new Map(rows.map(([id, text]) => [String(id), isReadable(String(text), model)]));
}

/** What cannot be read any more, nobody follows. */
function isReadable(text: string, model: RoomModel): boolean {
  try {
    return isReadableWith(decodeModel(text), model);
  } catch {
    return false;
  }
}

/**
 * Brings the room's file to its definition, in one transaction. Where replicas would not know of it (another schema id, migrations) that is a version
 * of its own without changes, and the floor: replicas from before take a fresh snapshot.
 * @throws AlcoveError `schema_mismatch`, `migration_failed`: the file is as it was.
 */
export function migrateRoom(
  database: Database,
  runtime: Runtime,
  definition: AnyRoom,
  meta: MetaTable,
  id: string,
  keptHashEvery: number,
): void {
  const { model } = definition;
  const stored = storedModel(database);
  const pending = pendingMigrations(definition.migrations, appliedMigrations(database));
  const plan = planMigration(stored, model, pending);
  if (plan.kind === 'none') {
    verifySchema(database, model);
    if (stored.schemaId !== model.schemaId)
      database.transaction(() => rememberSchema(database, runtime, model, headVersion(database, runtime, meta)));
    return;
  }
  runtime.log.info('the room follows its changed definition', { room: id, changes: plan.says.join('; ') });
  withForeignKeysOff(database, () => {
    removeCapture(database);
    runMigrationPlan(database, model, plan);
    const version = isSeen(stored, model, plan)
      ? appendFloor(database, runtime, model, meta, keptHashEvery)
      : headVersion(database, runtime, meta);
    rememberSchema(database, runtime, model, version);
    rememberMigrations(database, runtime, pending, version);
  });
}

/** Whether replicas must take notice: indexes and server-only tables are the room's alone, what a migration does to rows is not known. */
const isSeen = (stored: RoomModel, model: RoomModel, plan: MigrationPlan): boolean =>
  plan.kind === 'migrations' || stored.schemaId !== model.schemaId;

function appendFloor(database: Database, runtime: Runtime, model: RoomModel, meta: MetaTable, keptHashEvery: number): number {
  const log = new ChangeLog(database, runtime, meta.read());
  const made = log.append({ schema: model.schemaId, atMs: runtime.nowMs(), acks: [], record: encodeRecord(EMPTY_CHANGE_SET) });
  writeFloor(database, meta, made, keptHashEvery);
  return made.version;
}

const headVersion = (database: Database, runtime: Runtime, meta: MetaTable): number =>
  new ChangeLog(database, runtime, meta.read()).head.version;

function storedModel(database: Database): RoomModel {
  const row = database.prepare('SELECT model FROM alcove_schemas ORDER BY position DESC LIMIT 1').get();
  if (row === undefined) throw new AlcoveError('file_damaged', 'the room’s file does not say which schema it has');
  return decodeModel(String(row[0]));
}

const appliedMigrations = (database: Database): { id: string; checksum: string }[] =>
  database
    .prepare('SELECT id, checksum FROM alcove_migrations ORDER BY position')
    .all()
    .map(([id, checksum]) => ({ id: String(id), checksum: String(checksum) }));
