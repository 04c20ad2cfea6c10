import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { BuiltQuery } from '@alcove/core/sqlite/drizzle';
import type { EngineQuery, QueryNotice, QueryRows } from '../sync/engine-interface.ts';
import type { EnginePort } from '../worker/engine-port.ts';
import { PageQuery } from './live-query.ts';

interface SingleRun {
  readonly query: EngineQuery;
  resolve(rows: QueryRows): void;
  reject(error: AlcoveError): void;
}

/** The queries a page uses of one room: equal ones are one, and all of them outlive a worker. */
export class PageQueries {
  readonly #runtime: Runtime;
  readonly #port: () => EnginePort | null;
  readonly #byKey = new Map<string, PageQuery<unknown>>();
  readonly #byId = new Map<string, PageQuery<unknown>>();
  readonly #runs = new Set<SingleRun>();
  #lastId = 0;

  constructor(runtime: Runtime, port: () => EnginePort | null) {
    this.#runtime = runtime;
    this.#port = port;
  }

  get<Mapped>(built: BuiltQuery<Mapped>): PageQuery<Mapped> {
    const key = keyOf(built);
    // Equal SQL and parameters come from equal builders: the same columns, mapped alike.
    const known = this.#byKey.get(key) as PageQuery<Mapped> | undefined;
    if (known !== undefined) return known;
    const query = new PageQuery<Mapped>(this.#nextId(), built, {
      runtime: this.#runtime,
      port: this.#port,
      onEnded: (queryId) => {
        this.#byId.delete(queryId);
        if (this.#byKey.get(key)?.queryId === queryId) this.#byKey.delete(key);
      },
      onRevived: () => {
        const queryId = this.#nextId();
        this.#byId.set(queryId, any);
        if (!this.#byKey.has(key)) this.#byKey.set(key, any);
        return queryId;
      },
    });
    // The lists are for all queries, whatever their rows look like.
    const any = query as unknown as PageQuery<unknown>;
    this.#byKey.set(key, any);
    this.#byId.set(query.queryId, any);
    query.endUnlessUsed();
    return query;
  }

  #nextId(): string {
    this.#lastId += 1;
    return `q${this.#lastId}`;
  }

  runOnce(query: EngineQuery): Promise<QueryRows> {
    return new Promise((resolve, reject) => {
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

  /** Ends what runs this text with these parameters; it is not run again. */
  condemn(condemned: EngineQuery, error: AlcoveError): void {
    const key = keyOf(condemned);
    for (const query of this.#byId.values()) if (keyOf(query.query) === key) query.condemn(error);
    for (const run of this.#runs) {
      if (keyOf(run.query) !== key) continue;
      this.#runs.delete(run);
      run.reject(error);
    }
  }

  failAll(error: AlcoveError): void {
    for (const query of this.#byId.values()) query.fail(error);
    this.#endRuns(error);
  }

  endAll(): void {
    for (const query of this.#byId.values()) query.end();
    this.#byId.clear();
    this.#byKey.clear();
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

/** Parameters by type and value: the number 1 and the text "1" are two queries. */
function keyOf({ sql, params }: EngineQuery): string {
  return `${sql}\u0000${JSON.stringify(params.map((param) => (param instanceof Uint8Array ? { blob: [...param] } : Object.is(param, -0) ? { real: '-0' } : param)))}`;
}
