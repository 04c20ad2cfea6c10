import { applyChangeSet, applyRowPuts, type RowPuts, withForeignKeysOff } from '@alcove/core/change/apply';
import { type ChangeSet, EMPTY_CHANGE_SET } from '@alcove/core/change/change-set';
import type { Capture } from '@alcove/core/change/capture';
import type { AppliedChanges } from '@alcove/core/change/applied-changes';
import { invertChangeSet } from '@alcove/core/change/invert';
import { mergeChangeSets } from '@alcove/core/change/merge';
import { canPutInPlace, putRowsInPlace } from '@alcove/core/change/put-in-place';
import { fromWire } from '@alcove/core/change/wire';
import { AlcoveError, assert } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { CommitMessage } from '@alcove/core/protocol/server-message';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { RoomModel } from '@alcove/core/schema/room-model';
import { filtersReaders } from '@alcove/core/schema/row-rules';
import type { Database } from '@alcove/core/sqlite/database';
import { metRuns, sawLater } from './met-runs.ts';
import { OptimisticRuns, type Run, type RunOptions } from './optimistic-run.ts';
import { putsEqualEffects } from './puts-equal-effects.ts';
import { rowsPut } from './rows-seen.ts';

/** Which state of which history the confirmed rows are, in the room's own words. */
export interface ReplicaPosition {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
  readonly view: string;
}

/** A mutation that is shown, and what its last run did. */
interface Shown extends Run {
  readonly mutation: Mutation;
}

/**
 * A tab's rows: the room's confirmed state at one version, and on top of it the pending mutations, run again in order whenever the state below moved.
 *
 * The database always holds both. What the pending ones changed is kept as change sets, so that going back to the confirmed state is an apply, and no
 * savepoint stays open. Between two calls the database is a state the app may see.
 */
export class Replica {
  readonly database: Database;
  readonly #model: RoomModel;
  /** And enforces them. */
  readonly #hasForeignKeys: boolean;
  readonly #runs: OptimisticRuns;
  #position: ReplicaPosition;
  #shown: Shown[] = [];

  /** `database` holds the room at `position`, its tables and capture's. */
  constructor(database: Database, position: ReplicaPosition, options: RunOptions) {
    this.database = database;
    this.#model = options.room.model;
    // Of what a rule filters a parent may be missing whose child is here.
    const isFiltered = filtersReaders(options.room.tableRules);
    if (isFiltered) database.setForeignKeys(false);
    this.#hasForeignKeys = !isFiltered && this.#model.tables.some(({ foreignKeys }) => foreignKeys.length > 0);
    this.#position = position;
    this.#runs = new OptimisticRuns(database, options);
  }

  get position(): ReplicaPosition {
    return this.#position;
  }

  /** What is shown on top of the room's state, in order. */
  get pending(): Mutation[] {
    return this.#shown.map(({ mutation }) => mutation);
  }

  /** The claims later runs see as `ctx.user`. */
  set user(user: Claims | null) {
    this.#runs.user = user;
  }

  /** Runs a new mutation on top of all. @throws what its run throws; then it is not shown and nothing changed. */
  mutate(mutation: Mutation): ChangeSet {
    const run = this.#runs.run(mutation);
    this.#shown.push({ mutation, ...run });
    return run.effect;
  }

  /** Shows mutations that are pending whatever their run does: one that throws has no effect until a later run has one. Answers with all they changed. */
  adopt(mutations: readonly Mutation[]): ChangeSet {
    const runs = this.#runs.attemptAll(mutations);
    this.#show(mutations, runs);
    return mergeChangeSets(
      this.#model,
      runs.map(({ effect }) => effect),
    );
  }

  /**
   * Moves the confirmed state on by commits that follow on it, in order, leaves out the mutations that settled, and runs those again that may have seen something
   * that the commits, or another that is run again or left out, touched. Answers with what the app sees differently, which is nothing where the room did what the tab had foreseen.
   *
   * @throws AlcoveError where a commit cannot be applied (`constraint_failed`, `bad_message`, `schema_mismatch`): nothing has changed, and this replica
   *   cannot go on.
   */
  rebase(commits: readonly CommitMessage[], isSettled: (mutation: Mutation) => boolean): ChangeSet {
    const puts = commits.map((commit) => fromWire(this.#model, commit.changes));
    const settled = this.#shown.filter(({ mutation }) => isSettled(mutation));
    const net = this.#wasForeseen(puts, settled) ? this.#dropForeseen(settled.length) : this.#replay(puts, new Set(settled));
    const last = commits.at(-1);
    if (last !== undefined) this.#position = { ...this.#position, version: last.to, hash: last.hash };
    return net;
  }

  /** What is shown on top is undone and run again, for another user. Answers with what the app sees differently. */
  runAgain(): ChangeSet {
    return this.#shown.length === 0 ? EMPTY_CHANGE_SET : this.#replayAll();
  }

  /** The room did exactly what the oldest shown mutations had done here: the rows are already as they will be, for the later ones too. */
  #wasForeseen(puts: readonly RowPuts[][], settled: readonly Shown[]): boolean {
    if (settled.length === 0) return puts.length === 0;
    if (settled.some((shown, index) => shown !== this.#shown[index])) return false;
    return putsEqualEffects(
      puts.flat(),
      settled.map(({ effect }) => effect),
    );
  }

  #dropForeseen(count: number): ChangeSet {
    this.#shown = this.#shown.slice(count);
    return EMPTY_CHANGE_SET;
  }

  /** Takes back what the commits, or the end of those that settled, may concern; puts the commits; and runs again what has not settled of it. */
  #replay(puts: readonly RowPuts[][], settled: ReadonlySet<Shown>): ChangeSet {
    const met = metRuns(this.#shown, rowsPut(puts.flat()), (shown) => settled.has(shown));
    const optimistic = this.#merged(this.#shown.filter((shown) => met.has(shown)));
    const applied = this.#put(optimistic, puts);
    if (met.size === 0) return mergeChangeSets(this.#model, applied);
    const left = this.#shown.filter((shown) => !settled.has(shown));
    const again = this.#runAll(left.filter((shown) => met.has(shown)));
    const next = left.map((shown) => again.get(shown) ?? shown);
    const changes = [invertChangeSet(optimistic), ...applied, ...[...again.values()].map(({ effect }) => effect)];
    const isInOrder = !sawLater(left.map((shown, index) => ({ seen: next[index]?.seen ?? null, hasStayed: !met.has(shown) })));
    // They stand in the database one way and in the list another: those that stayed came first.
    this.#shown = isInOrder ? next : [...left.filter((shown) => !met.has(shown)), ...again.values()];
    if (!isInOrder) changes.push(this.#replayAll(next));
    return mergeChangeSets(this.#model, changes);
  }

  /** Takes all back and runs all again, `inOrder` where that is not the order they stand in. */
  #replayAll(inOrder: readonly Shown[] = this.#shown): ChangeSet {
    const optimistic = this.#merged(this.#shown);
    this.#put(optimistic, []);
    const again = [...this.#runAll(inOrder).values()];
    this.#shown = again;
    return mergeChangeSets(this.#model, [invertChangeSet(optimistic), ...again.map(({ effect }) => effect)]);
  }

  #merged(shown: readonly Shown[]): ChangeSet {
    return mergeChangeSets(
      this.#model,
      shown.map(({ effect }) => effect),
    );
  }

  /** By what each was before. */
  #runAll(shown: readonly Shown[]): Map<Shown, Shown> {
    const runs = this.#runs.attemptAll(shown.map(({ mutation }) => mutation));
    return new Map(
      shown.map((before, index) => {
        const run = runs[index];
        assert(run !== undefined, 'a mutation without its run');
        return [before, { mutation: before.mutation, ...run }];
      }),
    );
  }

  #put(optimistic: ChangeSet, puts: readonly RowPuts[][]): ChangeSet[] {
    const applied = (optimistic.tables.length === 0 ? this.#putInPlace(puts) : null) ?? this.#putAside(optimistic, puts);
    return applied.map((tables) => ({ tables }));
  }

  /** What most commits take: rows changed where they are. Null where that cannot be; nothing has changed then. */
  #putInPlace(puts: readonly RowPuts[][]): AppliedChanges[] | null {
    if (!puts.every((tables) => canPutInPlace(this.#model, tables))) return null;
    const { capture } = this.#runs;
    try {
      return this.database.transaction(() =>
        uncaptured(capture, () => puts.map((tables) => putRowsInPlace(this.database, this.#model, tables))),
      );
    } catch (error) {
      if (error instanceof AlcoveError && error.code === 'constraint_failed') return null;
      throw error;
    }
  }

  /** What always works. Turning foreign keys off and on makes SQLite compile every statement anew: only where there are any. */
  #putAside(optimistic: ChangeSet, puts: readonly RowPuts[][]): AppliedChanges[] {
    const { capture } = this.#runs;
    const apply = (): AppliedChanges[] =>
      uncaptured(capture, () => {
        if (optimistic.tables.length > 0) applyChangeSet(this.database, this.#model, optimistic, 'backward');
        return puts.map((tables) => applyRowPuts(this.database, this.#model, tables));
      });
    return this.#hasForeignKeys ? withForeignKeysOff(this.database, apply) : this.database.transaction(apply);
  }

  /** Mutations go by other names from now on; `rename` answers with the same object where it does not. They are run again under theirs: they may see it. */
  rename(rename: (mutation: Mutation) => Mutation): ChangeSet {
    if (this.#shown.every(({ mutation }) => rename(mutation) === mutation)) return EMPTY_CHANGE_SET;
    this.#shown = this.#shown.map((shown) => ({ ...shown, mutation: rename(shown.mutation) }));
    return this.#replayAll();
  }

  /** Pending mutations in the order they are shown, for another replica to adopt. */
  shown(): Mutation[] {
    return this.#shown.map(({ mutation }) => mutation);
  }

  #show(mutations: readonly Mutation[], runs: readonly Run[]): void {
    for (const [index, mutation] of mutations.entries()) {
      const run = runs[index];
      assert(run !== undefined, 'a mutation without its run');
      this.#shown.push({ mutation, ...run });
    }
  }

  close(): void {
    this.database.close();
  }
}

/** Inside a transaction, which takes the switches back where it fails. */
function uncaptured<Result>(capture: Capture, run: () => Result): Result {
  capture.stop();
  const result = run();
  capture.start();
  return result;
}
