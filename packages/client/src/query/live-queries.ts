import type { ChangeSet } from '@alcove/core/change/change-set';
import { replicatedShapes } from '@alcove/core/change/table-shape';
import { AlcoveError, assert, type ErrorBody } from '@alcove/core/error';
import type { RoomModel } from '@alcove/core/schema/room-model';
import type { Database, Row } from '@alcove/core/sqlite/database';
import { LiveQuery, queryKey, type QueryTarget, type RunOutcome } from './live-query.ts';
import { ReadIndex } from './read-index.ts';
import type { RowsUpdate } from './rows-patch.ts';
import { schemaMapOf } from './schema-map.ts';

export interface QueryLimits {
  readonly liveQueriesMax: number;
  readonly resultRowsMax: number;
}

/** News for one watcher: rows, an error, or (both null) that it is up to date as it is. */
export interface QueryNews {
  readonly queryId: string;
  readonly revision: number;
  readonly update: RowsUpdate | null;
  readonly error: ErrorBody | null;
  /** False: it has no rows yet. */
  readonly hasRows: boolean;
}

/**
 * All live queries of one engine. Says which ones a change touched, runs them again one by one as the caller has time, and gives news only where rows
 * changed. Queries never run on a state in the middle of a rebase: the caller steps when there is none.
 *
 * ```
 * attach(replica) → watch / invalidate(changes) … → while (hasDue) runNext() → takeNews()
 * ```
 */
export class LiveQueries {
  readonly #limits: QueryLimits;
  readonly #model: RoomModel;
  readonly #index: ReadIndex<LiveQuery>;
  readonly #byKey = new Map<string, LiveQuery>();
  readonly #byId = new Map<string, { readonly key: string; readonly query: LiveQuery }>();
  /** To run, first in first out. */
  readonly #due = new Set<LiveQuery>();
  /** Prepared ones of which it is not known yet what they read: a tab that is opened shows their rows first. */
  readonly #unread = new Set<LiveQuery>();
  #news: QueryNews[] = [];
  #target: QueryTarget | null = null;

  constructor(model: RoomModel, limits: QueryLimits) {
    this.#model = model;
    this.#limits = limits;
    this.#index = new ReadIndex(replicatedShapes(model));
  }

  /** Watchers, over all queries. */
  get watchCount(): number {
    return this.#byId.size;
  }

  get hasDue(): boolean {
    return this.#due.size > 0;
  }

  /** The queries that are to run, for whoever waits until they have. */
  due(): ReadonlySet<LiveQuery> {
    return this.#due;
  }

  /** From now on queries run on this replica; all run again, and rows that are as they were are not told again. */
  attach(database: Database): void {
    let trees: ReturnType<typeof schemaMapOf> | null = null;
    this.#target = { database, model: this.#model, trees: () => (trees ??= schemaMapOf(database)) };
    this.#unread.clear();
    for (const query of this.#byKey.values()) {
      query.detach();
      this.#due.add(query);
    }
  }

  /** Starts a watch. Joining a query that has rows gives them at once. An id in use is taken over. */
  watch(queryId: string, sql: string, params: Row): void {
    this.unwatch(queryId);
    const key = queryKey(sql, params);
    let query = this.#byKey.get(key);
    if (query === undefined) {
      if (this.#byKey.size >= this.#limits.liveQueriesMax) {
        const message = `${this.#byKey.size} queries are live; the bound is ${this.#limits.liveQueriesMax}`;
        this.#news.push({ queryId, revision: 0, update: null, error: { code: 'overloaded', message }, hasRows: false });
        return;
      }
      query = new LiveQuery(sql, params);
      this.#byKey.set(key, query);
      if (this.#target !== null) this.#due.add(query);
    }
    this.#byId.set(queryId, { key, query });
    const { rows, columns } = query;
    const revision = rows === null ? 0 : 1;
    query.watchers.set(queryId, revision);
    const update: RowsUpdate | null = rows === null ? null : { kind: 'whole', columns, rows };
    this.#news.push({ queryId, revision, update, error: query.error, hasRows: rows !== null });
  }

  unwatch(queryId: string): void {
    const watch = this.#byId.get(queryId);
    if (watch === undefined) return;
    this.#byId.delete(queryId);
    watch.query.watchers.delete(queryId);
    if (watch.query.watchers.size > 0) return;
    this.#byKey.delete(watch.key);
    this.#due.delete(watch.query);
    this.#unread.delete(watch.query);
    this.#index.delete(watch.query);
  }

  /** Queries that the changes may touch are due. */
  invalidate(changes: ChangeSet): void {
    while (this.hasUnread) this.readNext();
    for (const query of this.#index.touchedBy(changes)) this.#due.add(query);
  }

  /** It is not known of all that ran what they read. */
  get hasUnread(): boolean {
    return this.#unread.size > 0;
  }

  /** Finds out what one of them reads: in a quiet moment, and at the latest when something changes. */
  readNext(): void {
    const [query] = this.#unread;
    if (query === undefined || this.#target === null) return;
    this.#unread.delete(query);
    this.#index.set(query, query.reads(this.#target));
  }

  /** Runs the query that is due longest, and answers with it. */
  runNext(): LiveQuery | null {
    const [query] = this.#due;
    const target = this.#target;
    if (query === undefined || target === null) return null;
    this.#due.delete(query);
    const before = query.error;
    const outcome = this.#run(query, target);
    if (outcome.update !== null || outcome.error !== null || before !== null) this.#tell(query, outcome);
    return query;
  }

  #run(query: LiveQuery, target: QueryTarget): RunOutcome {
    if (!query.isPrepared) {
      try {
        query.prepare(target);
        this.#unread.add(query);
      } catch (error) {
        // It reads nothing that could change: it is tried again on another replica only.
        this.#unread.delete(query);
        this.#index.delete(query);
        return query.fail(error);
      }
    }
    return query.run(this.#limits.resultRowsMax);
  }

  #tell(query: LiveQuery, { update, error }: RunOutcome): void {
    for (const [queryId, revision] of query.watchers) {
      const next = update === null ? revision : revision + 1;
      query.watchers.set(queryId, next);
      this.#news.push({ queryId, revision: next, update: this.#updateFor(query, revision, update), error, hasRows: query.rows !== null });
    }
  }

  /** A watcher that has no rows yet cannot use a patch. */
  #updateFor(query: LiveQuery, revision: number, update: RowsUpdate | null): RowsUpdate | null {
    if (update === null || update.kind === 'whole' || revision > 0) return update;
    return { kind: 'whole', columns: query.columns, rows: query.rows ?? [] };
  }

  /** A read of its own, for one answer. @throws AlcoveError as a live query's error; `internal` before there is a replica. */
  readOnce(sql: string, params: Row): { columns: readonly string[]; rows: readonly Row[] } {
    assert(this.#target !== null, 'a read before there is a replica');
    const query = new LiveQuery(sql, params);
    query.prepare(this.#target);
    const { error } = query.run(this.#limits.resultRowsMax);
    if (error !== null) throw AlcoveError.fromBody(error);
    return { columns: query.columns, rows: query.rows ?? [] };
  }

  /** News since the last call, in order. */
  takeNews(): QueryNews[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  /** Every watcher as it stands, for when only the worth of the rows has changed. */
  standing(): QueryNews[] {
    const news: QueryNews[] = [];
    for (const [queryId, { query }] of this.#byId) {
      news.push({ queryId, revision: query.watchers.get(queryId) ?? 0, update: null, error: query.error, hasRows: query.rows !== null });
    }
    return news;
  }
}
