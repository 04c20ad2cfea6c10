import { compareSchemas, type SchemaVersion } from '@alcove/core/schema/compare-schemas';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { decodeModel, encodeModel } from '@alcove/core/schema/model-codec';
import type { StoredSchema } from './storage.ts';

/** What an image written by this build says of its schema. */
export const storedSchemaOf = ({ model, migrations }: Pick<AnyRoom, 'model' | 'migrations'>): StoredSchema => ({
  model: encodeModel(model),
  migrations: migrations.map(({ id, checksum }) => ({ id, checksum })),
});

/** @throws AlcoveError `file_damaged` */
export const schemaVersionOf = ({ model, migrations }: StoredSchema): SchemaVersion => ({ model: decodeModel(model), migrations });

/** Whether a newer build of the app wrote `stored` than the one that wrote `own`. What does not say, or cannot be read, is nobody's. */
export function isNewerSchema(stored: StoredSchema | undefined, own: StoredSchema | undefined): boolean {
  if (stored === undefined || own === undefined || stored.model === own.model) return false;
  try {
    return compareSchemas(schemaVersionOf(stored), schemaVersionOf(own)) === 'newer';
  } catch {
    return false;
  }
}
