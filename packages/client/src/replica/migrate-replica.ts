import { withForeignKeysOff } from '@alcove/core/change/apply';
import { installCapture, removeCapture } from '@alcove/core/change/install-capture';
import type { SchemaVersion } from '@alcove/core/schema/compare-schemas';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { planMigration, runMigrationPlan } from '@alcove/core/schema/migrate';
import { pendingMigrations } from '@alcove/core/schema/migrations';
import type { Database } from '@alcove/core/sqlite/database';
import { replicaModelOf } from './open-image.ts';

/**
 * Brings a tab's tables from an older schema to the room's definition, by its migrations or by derived changes, in one transaction. Rows are then what the
 * room's migration would have made of them, where it looks at replicated tables only; the room's own word follows with the next snapshot.
 * @throws AlcoveError `schema_mismatch`, `migration_failed`: the tables are as they were.
 */
export function migrateReplica(
  database: Database,
  older: SchemaVersion,
  { model, migrations }: Pick<AnyRoom, 'model' | 'migrations'>,
): void {
  const wanted = replicaModelOf(model);
  const plan = planMigration(replicaModelOf(older.model), wanted, pendingMigrations(migrations, older.migrations));
  withForeignKeysOff(database, () => {
    removeCapture(database);
    runMigrationPlan(database, wanted, plan, 'some'); // rules, those of then too, may have kept parents away; the room has looked
  });
  installCapture(database, model);
}
