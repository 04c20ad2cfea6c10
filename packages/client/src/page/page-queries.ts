import { AlcoveError } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { BuiltQuery } from '@alcove/core/sqlite/built-query';
import type { SqlValue } from '@alcove/core/sqlite/database';
import type { EngineQuery, QueryNotice, QueryRows } from '../sync/engine-interface.ts';
import type { EnginePort } from '../worker/engine-port.ts';
import { alone } from './alone.ts';
import { PageQuery } from './live-query.ts';
import { WeakValues } from './weak-values.ts';

interface SingleRun {
  readonly query: EngineQuery;
  resolve(rows: QueryRows): void;
  reject(error: AlcoveError): void;
}

/** The queries a page uses of one room: equal ones, which map their rows alike, are one, and all of them outlive a worker. */
export class PageQueries {
  readonly #runtime: Runtime;
  readonly #port: () => EnginePort | null;
  /** Every query that somebody holds: one that was built and never used is gone with whoever built it. */
  readonly #byKey = new WeakValues<PageQuery<unknown>>();
  /** Those in use, and for a while after. */
  readonly #byId = new Map<string, PageQuery<unknown>>();
  readonly #runs = new Set<SingleRun>();
  #lastId = 0;
  #obstacle: AlcoveError | null = null;

  constructor(runtime: Runtime, port: () => EnginePort | null) {
    this.#runtime = runtime;
    this.#port = port;
  }

  get<Mapped>(built: BuiltQuery<Mapped>): PageQuery<Mapped> {
    const key = sharedKeyOf(built, built.shape);
    // Of the same type, for rows of equal shapes are mapped alike.
    const known = this.#byKey.get(key) as PageQuery<Mapped> | undefined;
    if (known !== undefined) return known;
    const query = new PageQuery<Mapped>(built, {
      runtime: this.#runtime,
      port: this.#port,
      obstacle: () => this.#obstacle,
      onBegun: () => {
        this.#lastId += 1;
        const queryId = `q${this.#lastId}`;
        this.#byId.set(queryId, any);
        if (this.#byKey.get(key) === undefined) this.#byKey.set(key, any);
        return queryId;
      },
      onEnded: (queryId) => {
        this.#byId.delete(queryId);
        if (this.#byKey.get(key) === any) this.#byKey.delete(key);
      },
    });
    // The lists are for all queries, whatever their rows look like.
    const any = query as unknown as PageQuery<unknown>;
    this.#byKey.set(key, any);
    return query;
  }

  /** Why no first rows can come until somebody does something; null: they may. What waits for rows is told. */
  set obstacle(obstacle: AlcoveError | null) {
    if (this.#obstacle?.code === obstacle?.code && this.#obstacle?.message === obstacle?.message) return;
    this.#obstacle = obstacle;
    for (const query of this.#byId.values()) query.obstacleChanged();
    if (obstacle !== null) this.#endRuns(obstacle);
  }

  runOnce(query: EngineQuery): Promise<QueryRows> {
    return new Promise((resolve, reject) => {
      if (this.#obstacle !== null) return reject(this.#obstacle);
      const run: SingleRun = { query, resolve, reject };
      this.#runs.add(run);
      const port = this.#port();
      if (port !== null) this.#start(run, port);
    });
  }

  hear(notice: QueryNotice): void {
    this.#byId.get(notice.queryId)?.hear(notice);
  }

  attach(port: EnginePort): void {
    for (const query of this.#byId.values()) query.attach(port);
    for (const run of this.#runs) this.#start(run, port);
  }

  detached(): void {
    for (const query of this.#byId.values()) query.detached();
  }

  /** Ends what runs this text with these parameters; it is not run again. Returns whether there was any such. */
  condemn(condemned: EngineQuery, error: AlcoveError): boolean {
    const key = keyOf(condemned);
    let isKnown = false;
    for (const query of this.#byId.values()) if (keyOf(query.query) === key && query.condemn(error)) isKnown = true;
    for (const run of this.#runs) {
      if (keyOf(run.query) !== key) continue;
      this.#runs.delete(run);
      run.reject(error);
      isKnown = true;
    }
    return isKnown;
  }

  failAll(error: AlcoveError): void {
    this.obstacle = error;
    for (const query of this.#byId.values()) query.fail(error);
  }

  endAll(): void {
    for (const query of this.#byId.values()) {
      query.end();
      alone(() => query.detached());
    }
    this.#byId.clear();
    this.#endRuns(new AlcoveError('closed', 'the room was closed'));
  }

  #start(run: SingleRun, port: EnginePort): void {
    port.runOnce(run.query).then(
      (rows) => {
        if (this.#runs.delete(run)) run.resolve(rows);
      },
      (error: unknown) => {
        const reason = AlcoveError.from(error);
        // The worker died: the next one gets it again, unless this is what it died of.
        if (reason.code === 'worker_failed') return;
        if (this.#runs.delete(run)) run.reject(reason);
      },
    );
  }

  #endRuns(error: AlcoveError): void {
    for (const run of this.#runs) run.reject(error);
    this.#runs.clear();
  }
}

/** Parameters by type and value: the number 1 and the text "1" are two queries, as are the numbers that JSON has no words for. */
export function keyOf({ sql, params }: EngineQuery): string {
  return `${sql}\u0000${JSON.stringify(params.map(named))}`;
}

function named(param: SqlValue): Json {
  if (param instanceof Uint8Array) return { blob: [...param] };
  if (typeof param !== 'number' || (Number.isFinite(param) && !Object.is(param, -0))) return param;
  return { real: Object.is(param, -0) ? '-0' : String(param) };
}

/** @param shape As a BuiltQuery's: builders may name and decode the columns of one text differently. */
export const sharedKeyOf = (query: EngineQuery, shape: string): string => `${keyOf(query)}\u0000${shape}`;
