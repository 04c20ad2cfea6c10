import type { ChangeSet } from '@alcove/core/change/change-set';
import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database } from '@alcove/core/sqlite/database';
import { LiveQueries, type QueryLimits, type QueryNews } from '../query/live-queries.ts';
import type { LiveQuery } from '../query/live-query.ts';
import type { EngineQuery, QueryNotice, QueryRows, ResultStatus, SettledNotice } from './engine-interface.ts';
import type { NoticeBatch } from './notice-batch.ts';

/** What complete rows are worth now. */
export type RowsWorth = 'cached' | 'current';

interface Read {
  readonly query: EngineQuery;
  readonly resolve: (rows: QueryRows) => void;
  readonly reject: (error: AlcoveError) => void;
}

/** Settled mutations whose rows are not all on their way yet. */
interface Settling {
  readonly notices: readonly SettledNotice[];
  readonly waitsFor: Set<LiveQuery>;
}

/**
 * Live queries and single reads, run in steps. A mutation's settling is told when every query that its commit touched has run, in the same batch as their
 * rows.
 */
export class QueryFlow {
  readonly #queries: LiveQueries;
  readonly #runtime: Runtime;
  readonly #notices: NoticeBatch;
  #reads: Read[] = [];
  #settling: Settling[] = [];
  #hasReplica = false;
  #toldWorth: RowsWorth | null = null;

  constructor(model: RoomModel, limits: QueryLimits, runtime: Runtime, notices: NoticeBatch) {
    this.#queries = new LiveQueries(model, limits);
    this.#runtime = runtime;
    this.#notices = notices;
  }

  watch(queryId: string, { sql, params }: EngineQuery): void {
    this.#queries.watch(queryId, sql, params);
  }

  unwatch(queryId: string): void {
    this.#queries.unwatch(queryId);
  }

  readOnce(query: EngineQuery): Promise<QueryRows> {
    return new Promise((resolve, reject) => this.#reads.push({ query, resolve, reject }));
  }

  attach(database: Database): void {
    this.#hasReplica = true;
    this.#queries.attach(database);
  }

  invalidate(changes: ChangeSet): void {
    if (changes.tables.length > 0) this.#queries.invalidate(changes);
  }

  /** To be told together with the rows of the queries that are due now. */
  settle(notices: readonly SettledNotice[]): void {
    if (notices.length > 0) this.#settling.push({ notices, waitsFor: new Set(this.#queries.due()) });
  }

  /** Something has settled and is not told yet. */
  get isSettling(): boolean {
    return this.#settling.length > 0;
  }

  get hasWork(): boolean {
    return this.#hasToRun || this.#queries.hasUnread;
  }

  get #hasToRun(): boolean {
    return this.#queries.hasDue || (this.#hasReplica && this.#reads.length > 0);
  }

  /** Runs what is due until the time is up, one at least; single reads take turns with live queries. What they read is found out in a turn that has nothing to run. */
  work(untilMs: number): void {
    if (!this.#hasToRun) return this.#findReads(untilMs);
    while (this.#hasToRun) {
      const ran = this.#queries.runNext();
      if (ran !== null) for (const settling of this.#settling) settling.waitsFor.delete(ran);
      if (this.#hasReplica) this.#readNext();
      if (this.#runtime.monotonicMs() >= untilMs) return;
    }
  }

  #findReads(untilMs: number): void {
    while (this.#queries.hasUnread) {
      this.#queries.readNext();
      if (this.#runtime.monotonicMs() >= untilMs) return;
    }
  }

  #readNext(): void {
    const read = this.#reads.shift();
    if (read === undefined) return;
    try {
      read.resolve(this.#queries.readOnce(read.query.sql, read.query.params));
    } catch (error) {
      read.reject(AlcoveError.from(error));
    }
  }

  /** Puts what there is to tell into the batch. */
  tell(worth: RowsWorth): void {
    const news = this.#queries.takeNews();
    for (const one of news) this.#notices.add(noticeOf(one, worth));
    if (worth !== this.#toldWorth) this.#tellWorth(worth, new Set(news.map(({ queryId }) => queryId)));
    this.#toldWorth = worth;
    // First in, first out: what settled earlier is told earlier.
    for (let next = this.#settling[0]; next !== undefined && this.#isTold(next); next = this.#settling[0]) {
      this.#settling.shift();
      for (const notice of next.notices) this.#notices.add(notice);
    }
  }

  #tellWorth(worth: RowsWorth, told: ReadonlySet<string>): void {
    for (const one of this.#queries.standing()) {
      if (one.hasRows && one.error === null && !told.has(one.queryId)) this.#notices.add(noticeOf(one, worth));
    }
  }

  #isTold({ waitsFor }: Settling): boolean {
    const due = this.#queries.due();
    for (const query of waitsFor) if (due.has(query)) return false;
    return true;
  }

  /** Reads that wait fail with `error`. */
  close(error: AlcoveError): void {
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) read.reject(error);
  }
}

function noticeOf({ queryId, revision, update, error, hasRows }: QueryNews, worth: RowsWorth): QueryNotice {
  const status: ResultStatus = error !== null ? 'error' : hasRows ? worth : 'pending';
  return { type: 'query', queryId, status, revision, update, error };
}
