import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import { compareSchemas, type SchemaVersion } from '@alcove/core/schema/compare-schemas';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import { schemaVersionOf } from '../storage/stored-schema.ts';
import type { StoredCommit, StoredReplica } from '../storage/storage.ts';
import { migrateReplica } from './migrate-replica.ts';
import { openImage } from './open-image.ts';
import type { RunOptions } from './optimistic-run.ts';
import { Replica } from './replica.ts';

/** Commits that one step applies. */
const COMMITS_A_STEP = 50;

/**
 * A replica out of what was kept: the image opened, the commits after it applied, and where an older build kept it brought to this one's schema, as the room does
 * it with its file. Works in steps, as hydrations do. What is kept stays as it is: a room that was asked for a snapshot writes the new one.
 * @throws AlcoveError from the constructor and `step`: `snapshot_failed` where nothing of it can be used, `schema_mismatch` or `migration_failed` where no way
 * leads to this build's schema.
 */
export class RestoreReplica {
  readonly #options: RunOptions;
  #replica: Replica;
  /** Null: it has this build's schema. */
  #older: SchemaVersion | null;
  readonly #tail: readonly StoredCommit[];
  #applied = 0;
  /** Where the kept commits could not be applied: the replica stands before them. */
  brokenBy: AlcoveError | null = null;

  constructor({ image, tail }: StoredReplica, options: RunOptions, open: (bytes: Uint8Array) => Database) {
    const { room } = options;
    const { schemaId, ...position } = image.position;
    this.#options = options;
    this.#older = schemaId === room.model.schemaId ? null : olderSchema(image, room);
    const model = this.#older?.model ?? room.model;
    this.#replica = new Replica(openImage(image.bytes, model, open), position, { ...options, room: { ...room, model } });
    this.#tail = tail;
  }

  /** As far as it got; to be asked for when it is done. */
  get replica(): Replica {
    return this.#replica;
  }

  get isDone(): boolean {
    return this.#isApplied && this.#older === null;
  }

  get #isApplied(): boolean {
    return this.brokenBy !== null || this.#applied >= this.#tail.length;
  }

  step(): void {
    if (this.isDone) return;
    if (this.#isApplied) return this.#migrate();
    const commits = this.#tail.slice(this.#applied, this.#applied + COMMITS_A_STEP);
    try {
      this.replica.rebase(commits.map(asMessage), () => false);
      this.#applied += commits.length;
    } catch (error) {
      this.brokenBy = AlcoveError.from(error);
    }
  }

  #migrate(): void {
    const { database, position } = this.#replica;
    if (this.#older === null) return;
    try {
      migrateReplica(database, this.#older, this.#options.room);
    } catch (error) {
      this.#replica.close();
      throw error;
    }
    this.#older = null;
    this.#replica = new Replica(database, position, this.#options);
  }
}

/** @throws AlcoveError `snapshot_failed` where it is not of an older build. */
function olderSchema({ position, schema }: StoredReplica['image'], room: AnyRoom): SchemaVersion {
  const stored = schema === undefined ? null : schemaVersionOf(schema);
  if (stored !== null && compareSchemas(stored, room) === 'older') return stored;
  throw new AlcoveError(
    'snapshot_failed',
    `the image is of schema ${position.schemaId}, this side has ${room.model.schemaId} and knows no way to it`,
  );
}

const asMessage = (commit: StoredCommit): CommitMessage => ({ type: 'commit', ...commit });
