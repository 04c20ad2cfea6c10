import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import type { StoredCommit, StoredReplica } from '../storage/storage.ts';
import { openImage } from './open-image.ts';
import type { RunOptions } from './optimistic-run.ts';
import { Replica } from './replica.ts';

/** Commits that one step applies. */
const COMMITS_A_STEP = 50;

/**
 * A replica out of what was kept: the image opened, the commits after it applied. Works in steps, as hydrations do.
 * @throws AlcoveError from the constructor and `step`: `snapshot_failed` where nothing of it can be used.
 */
export class RestoreReplica {
  readonly replica: Replica;
  readonly #tail: readonly StoredCommit[];
  #applied = 0;
  /** Where the kept commits could not be applied: the replica stands before them. */
  brokenBy: AlcoveError | null = null;

  constructor({ image, tail }: StoredReplica, options: RunOptions, open: (bytes: Uint8Array) => Database) {
    const { model } = options.room;
    const { schemaId, ...position } = image.position;
    if (schemaId !== model.schemaId)
      throw new AlcoveError('snapshot_failed', `the image is of schema ${schemaId}, this side has ${model.schemaId}`);
    this.replica = new Replica(openImage(image.bytes, model, open), position, options);
    this.#tail = tail;
  }

  get isDone(): boolean {
    return this.brokenBy !== null || this.#applied >= this.#tail.length;
  }

  step(): void {
    if (this.isDone) return;
    const commits = this.#tail.slice(this.#applied, this.#applied + COMMITS_A_STEP);
    try {
      this.replica.rebase(commits.map(asMessage), () => false);
      this.#applied += commits.length;
    } catch (error) {
      this.brokenBy = AlcoveError.from(error);
    }
  }
}

const asMessage = (commit: StoredCommit): CommitMessage => ({ type: 'commit', ...commit });
