import { AlcoveError } from '@alcove/core/error';
import type { CounterOwner } from '../ephemeral/counter-rows.ts';
import type { ValueWrites } from '../ephemeral/debounced-values.ts';
import type { MadeVersion } from './commit-run.ts';
import { CommitRun } from './commit-run.ts';
import type { RoomParts } from './room-parts.ts';
import type { Outcome, Work } from './work.ts';
import { failureKind, refusalKey } from './work.ts';

/** What arrived since the last flush. */
export interface Batch {
  readonly works: readonly Work[];
  /** Values to write, by id. */
  readonly valueIds: readonly string[];
  /** Rejections that clients have heard of, by clientId. */
  readonly heard: ReadonlyMap<string, { readonly upTo: number; readonly owner: CounterOwner }>;
  /** Clients that ended, by clientId. */
  readonly byes: ReadonlyMap<string, CounterOwner>;
  /** After it what is left goes into a later commit. */
  readonly timeBudgetMs: number;
}

/** One transaction that was committed, or work that was refused without one. */
export interface Committed {
  /** Null: there was nothing to make a version of. */
  readonly made: MadeVersion | null;
  readonly outcomes: readonly Outcome[];
  readonly afterCommit: readonly (() => void | Promise<void>)[];
  readonly values: ValueWrites | null;
}

export interface GroupCommit {
  readonly committed: readonly Committed[];
  /** Work that the time budget left for the next flush, in order. */
  readonly left: readonly Work[];
  /** Values that could not be written now. */
  readonly unwrittenIds: readonly string[];
}

const nothing = (outcomes: readonly Outcome[]): Committed => ({ made: null, outcomes, afterCommit: [], values: null });
const EMPTY = { works: [], valueIds: [], heard: new Map(), byes: new Map() } satisfies Partial<Batch>;

/**
 * Commits a batch: all together in one transaction, which is one version and one fsync. Where that transaction does not stand (a mutation rolled it
 * back, a deferred foreign key fails with COMMIT, the disk is full) each piece runs again in a transaction of its own, and one that fails even then is
 * rejected finally, or refused where the place is to blame and not the mutation.
 *
 * @throws AlcoveError where the room cannot go on (`failureKind` fail): nothing may be told of this batch then.
 */
export function commitGroup(parts: RoomParts, batch: Batch): GroupCommit {
  try {
    const { committed, left } = attempt(parts, batch, new Set(), null);
    return { committed: [committed], left, unwrittenIds: [] };
  } catch (cause) {
    const error = AlcoveError.from(cause);
    if (failureKind(error) === 'fail') throw error;
    if (error.code === 'overloaded') return refuseAll(batch, error);
    parts.runtime.log.debug('a group of mutations is run again one by one', {
      room: parts.id,
      works: batch.works.length,
      code: error.code,
    });
    return commitAlone(parts, batch);
  }
}

/** Another process holds the file: each try would wait for it in vain. */
const refuseAll = (batch: Batch, error: AlcoveError): GroupCommit => ({
  committed: [nothing(batch.works.map((work) => refused(work, error)))],
  left: [],
  unwrittenIds: batch.valueIds,
});

const refused = (work: Work, error: AlcoveError): Outcome => ({
  work,
  result: 'refused',
  expected: work.kind === 'mutation' ? work.mutation.mutationId : 1,
  error,
});

/** Each piece has an fsync of its own, so the time for one transaction bounds them all: what it leaves over waits, and others have their turn first. */
function commitAlone(parts: RoomParts, batch: Batch): GroupCommit {
  const refusedKeys = new Set<string>();
  const untilMs = parts.runtime.monotonicMs() + batch.timeBudgetMs;
  const committed: Committed[] = [];
  for (const work of batch.works) {
    committed.push(commitOne(parts, work, refusedKeys));
    if (parts.runtime.monotonicMs() >= untilMs) break;
  }
  const left = batch.works.slice(committed.length);
  // A client that goes waits for what is left of it.
  const byes = left.length === 0 ? batch.byes : EMPTY.byes;
  try {
    committed.push(attempt(parts, { ...batch, works: [], byes }, refusedKeys, null).committed);
    return { committed, left, unwrittenIds: [] };
  } catch (cause) {
    const error = AlcoveError.from(cause);
    if (failureKind(error) === 'fail') throw error;
    parts.runtime.log.error('values could not be written and wait', { room: parts.id, code: error.code, message: error.message });
    return { committed, left, unwrittenIds: batch.valueIds };
  }
}

function commitOne(parts: RoomParts, work: Work, refusedKeys: Set<string>): Committed {
  const batch = { ...EMPTY, works: [work], timeBudgetMs: parts.limits.commitTimeBudgetMs };
  try {
    return attempt(parts, batch, refusedKeys, null).committed;
  } catch (cause) {
    const error = AlcoveError.from(cause);
    if (failureKind(error) === 'final') return recordRejection(parts, batch, refusedKeys, error);
    return refuseOne(work, error, refusedKeys);
  }
}

/** The mutation failed with its own COMMIT: what is committed instead is its rejection. */
function recordRejection(
  parts: RoomParts,
  batch: Batch & { readonly works: readonly Work[] },
  refusedKeys: Set<string>,
  rejection: AlcoveError,
): Committed {
  try {
    return attempt(parts, batch, refusedKeys, rejection).committed;
  } catch (cause) {
    const error = AlcoveError.from(cause);
    if (failureKind(error) === 'final')
      throw new AlcoveError('room_failed', `a rejection could not be stored: ${error.message}`, { cause });
    const [work] = batch.works;
    if (work === undefined) throw error;
    return refuseOne(work, error, refusedKeys);
  }
}

function refuseOne(work: Work, error: AlcoveError, refusedKeys: Set<string>): Committed {
  if (failureKind(error) === 'fail') throw error;
  if (work.kind === 'mutation') refusedKeys.add(refusalKey(work));
  return nothing([refused(work, error)]);
}

function attempt(
  parts: RoomParts,
  batch: Batch,
  refusedBefore: Set<string>,
  rejection: AlcoveError | null,
): { committed: Committed; left: readonly Work[] } {
  // A transaction that fails takes its refusals back with it.
  const refusedKeys = new Set(refusedBefore);
  const run = new CommitRun(parts, refusedKeys);
  let left: readonly Work[] = [];
  const made = parts.database.transaction(() => {
    for (const { owner, upTo } of batch.heard.values()) run.heard(owner, upTo);
    left = runWorks(parts, run, batch, rejection);
    run.writeValues(batch.valueIds);
    if (left.length === 0) for (const owner of batch.byes.values()) run.bye(owner);
    return run.finish();
  });
  for (const key of refusedKeys) refusedBefore.add(key);
  if (made !== null) parts.log.advance(made);
  if (run.values !== null) parts.values.written(run.values);
  return { committed: { made, outcomes: run.outcomes, afterCommit: run.afterCommit, values: run.values }, left };
}

/** @returns what the time budget left over. */
function runWorks(parts: RoomParts, run: CommitRun, { works, timeBudgetMs }: Batch, rejection: AlcoveError | null): readonly Work[] {
  const untilMs = parts.runtime.monotonicMs() + timeBudgetMs;
  for (const [index, work] of works.entries()) {
    run.run(work, rejection);
    if (parts.runtime.monotonicMs() >= untilMs) return works.slice(index + 1);
  }
  return [];
}
