import { tableIndexes } from './ddl.ts';
import { quoteIdentifier } from '../sqlite/identifier.ts';
import type { AppliedMigration } from './migrations.ts';
import type { RoomModel, TableModel } from './room-model.ts';
import { schemaDifferences } from './schema-differences.ts';

/** A schema as something that was written under it remembers it. */
export interface SchemaVersion {
  readonly model: RoomModel;
  /** The definition's migrations then, in order. */
  readonly migrations: readonly AppliedMigration[];
}

/**
 * Whether a replica with the tables of `older` can follow a room of `newer` by leaving out what it does not know: tables, columns and indexes were added, and
 * nothing it has was changed. An index that is no longer unique counts as a change: rows may come that `older` refuses.
 */
export function isReadableWith(older: RoomModel, newer: RoomModel): boolean {
  const unique = new Set(
    replicated(older).flatMap((table) =>
      tableIndexes(table)
        .filter((index) => index.unique)
        .map(dropText),
    ),
  );
  return schemaDifferences(replicated(older), replicated(newer)).every(({ steps }) => steps?.every((step) => !unique.has(step)) === true);
}

const dropText = ({ name }: { readonly name: string }): string => `DROP INDEX ${quoteIdentifier(name)}`;

/**
 * How what was written under `stored` stands to `own`: `older`, own migrations or derived changes lead from it to `own`; `newer`, the other way round; `other`,
 * there is no way. Says the opposite when asked the other way round, so that two builds never both take themselves for the newer one.
 */
export function compareSchemas(stored: SchemaVersion, own: SchemaVersion): 'same' | 'older' | 'newer' | 'other' {
  if (stored.model.schemaId === own.model.schemaId) return 'same';
  const shared = Math.min(stored.migrations.length, own.migrations.length);
  const isFork = stored.migrations.slice(0, shared).some(({ checksum }, index) => checksum !== own.migrations[index]?.checksum);
  if (isFork) return 'other';
  if (stored.migrations.length !== own.migrations.length) return stored.migrations.length < own.migrations.length ? 'older' : 'newer';
  const leadsTo = isDerivable(stored.model, own.model);
  const comesFrom = isDerivable(own.model, stored.model);
  if (leadsTo !== comesFrom) return leadsTo ? 'older' : 'newer';
  return leadsTo ? byIndexes(stored.model, own.model) : 'other';
}

const isDerivable = (from: RoomModel, to: RoomModel): boolean =>
  schemaDifferences(replicated(from), replicated(to)).every(({ steps }) => steps !== null);

/** Indexes alone come and go by derivation: whoever has more of them is taken for the newer, and where that tells nothing, an order that both sides see. */
function byIndexes(stored: RoomModel, own: RoomModel): 'older' | 'newer' {
  const difference = indexCount(stored) - indexCount(own);
  if (difference !== 0) return difference < 0 ? 'older' : 'newer';
  return stored.schemaId < own.schemaId ? 'older' : 'newer';
}

const indexCount = (model: RoomModel): number => replicated(model).reduce((sum, table) => sum + tableIndexes(table).length, 0);

/** What tabs have of it. */
const replicated = ({ tables }: RoomModel): readonly TableModel[] => tables.filter((table) => !table.serverOnly);
