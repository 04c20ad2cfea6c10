import { AlcoveError } from '@alcove/core/error';
import type { Database } from '@alcove/core/sqlite/database';
import { WrappedDatabase } from './wrapped-database.ts';

/** What the disk does to the next COMMIT. `lostAnswer`: it is written, and the answer says that it failed. */
export type CommitFate = 'fine' | 'fails' | 'lostAnswer';

/** A room's database on a disk that fails now and then. */
export class FailingDatabase extends WrappedDatabase {
  readonly #nextFate: () => CommitFate;
  #depth = 0;

  constructor(inner: Database, nextFate: () => CommitFate) {
    super(inner);
    this.#nextFate = nextFate;
  }

  override transaction<T>(fn: () => T): T {
    if (this.#depth > 0) return this.inner.transaction(fn);
    this.#depth += 1;
    try {
      const fate = this.#nextFate();
      const result = this.inner.transaction(() => {
        const value = fn();
        if (fate === 'fails') throw new AlcoveError('room_failed', 'disk I/O error (inflicted)');
        return value;
      });
      if (fate === 'lostAnswer') throw new AlcoveError('room_failed', 'disk I/O error after the commit (inflicted)');
      return result;
    } finally {
      this.#depth -= 1;
    }
  }
}
