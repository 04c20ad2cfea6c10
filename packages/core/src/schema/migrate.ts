import { AlcoveError } from '../error.ts';
import type { Database } from '../sqlite/database.ts';
import type { Migration } from './migrations.ts';
import { readTables } from './read-tables.ts';
import type { RoomModel, TableModel } from './room-model.ts';
import { type SchemaDifference, schemaDifferences } from './schema-differences.ts';

/** What brings a room's file to its definition. `says`: for the log, one line a change. */
export type MigrationPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'additive'; readonly steps: readonly string[]; readonly says: readonly string[] }
  | { readonly kind: 'migrations'; readonly migrations: readonly Migration[]; readonly says: readonly string[] };

/**
 * How to get from the model a room's file was made with to `model`. Pending migrations (pendingMigrations) come first; what they leave open is
 * derived when they have run. Without any, everything must be additive: new tables, nullable columns or ones with a constant default, new and
 * dropped indexes.
 * @throws AlcoveError `schema_mismatch` with every difference and both ways on.
 */
export function planMigration(storedModel: RoomModel, model: RoomModel, pendingMigrations: readonly Migration[]): MigrationPlan {
  if (pendingMigrations.length > 0) {
    return { kind: 'migrations', migrations: pendingMigrations, says: pendingMigrations.map(({ id }) => `migration ${id}`) };
  }
  const differences = schemaDifferences(storedModel.tables, model.tables);
  const [first] = differences;
  return first === undefined ? { kind: 'none' } : { kind: 'additive', ...stepsOf(differences) };
}

/**
 * Runs a plan. The caller holds one transaction open with foreign keys off, has removed capture before (removeCapture) and puts it back after
 * (installCapture), remembers the migrations as applied and stores `model`; rows that migrations change are in no change set, so they raise the floor.
 * `some`: not all of the room's rows are there, and a parent may be missing whose child is.
 * @throws AlcoveError `migration_failed` naming the statement SQLite refused, or the rows that break a foreign key afterwards; `schema_mismatch`
 * where the file is not as `model` wants it in the end. The caller rolls back.
 */
export function runMigrationPlan(database: Database, model: RoomModel, plan: MigrationPlan, rows: 'all' | 'some' = 'all'): void {
  if (plan.kind === 'none') return;
  if (plan.kind === 'additive') runSteps(database, plan.steps, 'a derived change');
  else runMigrations(database, model, plan.migrations);
  if (rows === 'all' && plan.kind === 'migrations') refuseBrokenLinks(database);
  verifySchema(database, model);
}

function runMigrations(database: Database, model: RoomModel, migrations: readonly Migration[]): void {
  for (const { id, statements } of migrations) runSteps(database, statements, `migration ${JSON.stringify(id)}`);
  runSteps(database, stepsOf(differencesOnDisk(database, model)).steps, 'a change derived after the migrations');
}

function refuseBrokenLinks(database: Database): void {
  const broken = database.prepare('PRAGMA foreign_key_check').all();
  const [table, rowid, parent] = broken[0] ?? [];
  if (broken.length > 0) {
    throw new AlcoveError(
      'migration_failed',
      `after the migrations ${broken.length} rows break a foreign key, first in table ${String(table)} (rowid ${String(rowid)}), which references ${String(parent)}`,
    );
  }
}

function runSteps(database: Database, steps: readonly string[], what: string): void {
  for (const step of steps) {
    try {
      database.exec(step);
    } catch (error) {
      const cause = AlcoveError.from(error, 'migration_failed');
      throw new AlcoveError('migration_failed', `${what} failed: ${cause.message}; in: ${step}`, { cause: error });
    }
  }
}

/**
 * Holds the tables in `database` against `model`: columns, keys, constraints and indexes, and that no replicated table has a trigger but capture's.
 * @throws AlcoveError `schema_mismatch` with every difference and both ways on.
 */
export function verifySchema(database: Database, model: RoomModel): void {
  const differences = differencesOnDisk(database, model);
  if (differences.length > 0) throw mismatch(differences);
}

function differencesOnDisk(database: Database, model: RoomModel): SchemaDifference[] {
  const serverOnly = new Set(model.tables.filter((table) => table.serverOnly).map((table) => table.name));
  const tables = readTables(database);
  const found: TableModel[] = tables.map((table) => ({ ...table, serverOnly: serverOnly.has(table.name) }));
  const unsupported = tables.flatMap((table) => table.unsupported.map((says) => ({ says: `table ${table.name}: ${says}`, steps: null })));
  return [...unsupported, ...schemaDifferences(found, model.tables), ...foreignTriggers(database, model)];
}

/** Their effects would be captured, and then happen again wherever the rows arrive. */
function foreignTriggers(database: Database, model: RoomModel): SchemaDifference[] {
  const replicated = new Set(model.tables.filter((table) => !table.serverOnly).map((table) => table.name));
  return database
    .prepare("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    .all()
    .filter(([name, table]) => replicated.has(String(table)) && !String(name).startsWith('alcove_'))
    .map(([name, table]) => ({
      says: `table ${String(table)}: trigger ${String(name)} stands on a replicated table; do its work in mutators`,
      steps: null,
    }));
}

/** @throws AlcoveError `schema_mismatch` where one of them cannot be derived. */
function stepsOf(differences: readonly SchemaDifference[]): { steps: string[]; says: string[] } {
  if (differences.some(({ steps }) => steps === null)) throw mismatch(differences);
  const steps = differences.flatMap((difference) => difference.steps ?? []);
  // An index may have moved to another table under its name.
  const drops = steps.filter((step) => step.startsWith('DROP INDEX'));
  return { steps: [...drops, ...steps.filter((step) => !drops.includes(step))], says: differences.map(({ says }) => says) };
}

function mismatch(differences: readonly SchemaDifference[]): AlcoveError {
  const lines = differences.map(({ says, steps }) => `\n- ${says}${steps === null ? '' : ' (would be derived)'}`);
  const ways =
    'Two ways on: write a migration (add it to `migrations` of the room’s definition), or, while developing, start over: stop the server and delete the room’s files in its dataDir.';
  return new AlcoveError('schema_mismatch', `the room's file does not fit its definition:${lines.join('')}\n${ways}`);
}
