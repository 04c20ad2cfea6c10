import { Capture } from '@alcove/core/change/capture';
import { type ChangeSet, EMPTY_CHANGE_SET } from '@alcove/core/change/change-set';
import { assert } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { MutationLimits } from '@alcove/core/mutation/run-budget';
import { runMutation } from '@alcove/core/mutation/run-mutation';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { RowsSeen } from './rows-seen.ts';

export interface RunOptions {
  readonly room: AnyRoom;
  readonly runtime: Runtime;
  readonly limits: MutationLimits;
  /** Whether a mutation is shown without being run; default: none is. */
  isSkipped?(mutation: Mutation): boolean;
}

/** What one run did. */
export interface Run {
  readonly effect: ChangeSet;
  /** The rows it saw, by RowsSeen's names; null: perhaps more. */
  readonly seen: ReadonlySet<string> | null;
}

/** Of a run that threw: it may do otherwise the next time, its time budget alone may see to that. */
const NO_EFFECT: Run = { effect: EMPTY_CHANGE_SET, seen: null };

/** Of one that is not run: it saw nothing, and will see nothing. */
const SKIPPED: Run = { effect: EMPTY_CHANGE_SET, seen: new Set() };

/** Runs mutators on one replica's database and keeps what each changed. From the first run on capture is on whenever no apply goes on. */
export class OptimisticRuns {
  #capture: Capture | null = null;
  readonly #database: Database;
  readonly #options: RunOptions;
  readonly #seen: RowsSeen;
  readonly #onStatement = (sql: string, params: Row): void => this.#seen.add(sql, params);
  /** What welcome said of the user; a run before the first one has none. */
  user: Claims | null = null;

  /** The database has its tables and capture's. */
  constructor(database: Database, options: RunOptions) {
    this.#database = database;
    this.#options = options;
    this.#seen = new RowsSeen(options.room.model);
  }

  /** Made and started when it is first asked for, outside a transaction, which might take the start back: a tab that is opened shows its first rows without it. */
  get capture(): Capture {
    if (this.#capture !== null) return this.#capture;
    assert(!this.#database.inTransaction, 'capture is to start inside a transaction');
    this.#capture = new Capture(this.#database, this.#options.room.model);
    this.#capture.start();
    return this.#capture;
  }

  /** One mutation in a transaction of its own. @throws what runMutation throws; then nothing has changed. */
  run(mutation: Mutation): Run {
    return this.#runAndTake(mutation, this.capture);
  }

  /** As `run`; one that throws changes nothing and is told as no changes. */
  attempt(mutation: Mutation): Run {
    try {
      return this.run(mutation);
    } catch {
      return NO_EFFECT;
    }
  }

  /** All of them in order, each alone in failing; together in one transaction, which is what makes many of them cheap. */
  attemptAll(mutations: readonly Mutation[]): Run[] {
    if (mutations.length === 0) return [];
    const { capture } = this;
    try {
      return this.#database.transaction(() => mutations.map((mutation) => this.#attemptInside(mutation, capture)));
    } catch {
      // One of them took the shared transaction with it.
      return mutations.map((mutation) => this.attempt(mutation));
    }
  }

  #attemptInside(mutation: Mutation, capture: Capture): Run {
    try {
      return this.#runAndTake(mutation, capture);
    } catch (error) {
      if (!this.#database.inTransaction) throw error;
      return NO_EFFECT;
    }
  }

  /** In a transaction of its own, or a savepoint inside the one that is open: where the changes cannot be taken, they do not stay either. */
  #runAndTake(mutation: Mutation, capture: Capture): Run {
    if (this.#options.isSkipped?.(mutation) === true) return SKIPPED;
    const { room, runtime, limits } = this.#options;
    let effect = EMPTY_CHANGE_SET;
    this.#seen.begin();
    runMutation({
      database: this.#database,
      room,
      mutation,
      capture,
      // Every run's changes are taken before the next begins.
      rowsCaptured: 0,
      user: this.user,
      isServer: false,
      serverNowMs: undefined,
      limits,
      runtime,
      atEnd: () => {
        effect = capture.takeCounted();
      },
      onStatement: this.#onStatement,
    });
    return { effect, seen: this.#seen.end(effect) };
  }
}
