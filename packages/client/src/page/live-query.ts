import { AlcoveError } from '@alcove/core/error';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { BuiltQuery } from '@alcove/core/sqlite/built-query';
import type { EngineQuery, QueryNotice, ResultStatus } from '../sync/engine-interface.ts';
import type { EnginePort } from '../worker/engine-port.ts';
import { applyRowsUpdate } from './apply-rows-update.ts';
import { Observable } from './observable.ts';
import type { Readable } from './observable.ts';

/** A result: rows and what they are worth. `data` is undefined only while nothing was ever loaded. */
export interface QueryResult<Mapped> {
  /** Rows that did not change keep their identity, and so does a list in which none did. */
  readonly data: readonly Mapped[] | undefined;
  /** `pending`: no rows yet. `cached`: complete at an older version. `current`: at the room's head. `error`: see `error`; earlier rows stay. */
  readonly status: ResultStatus;
  /** With `error` only. */
  readonly error: AlcoveError | undefined;
}

/** A query kept true. Equal queries of one room share one; it ends some time after the last listener is gone, so that a remount finds it warm. */
export interface LiveQuery<Mapped> extends Readable<QueryResult<Mapped>> {
  /**
   * Fulfilled with the rows as they are, or the first there will be; rejected with the query's error. The same promise until something changes. One whose rows are
   * there carries React's marks `status` and `value`, so that `use` takes them without suspending.
   */
  readonly promise: Promise<readonly Mapped[]>;
}

/** How long a query nobody listens to stays alive. */
export const UNUSED_QUERY_MS = 5_000;

const PENDING: QueryResult<never> = { data: undefined, status: 'pending', error: undefined };

/** The promise of the first rows, while there are none. */
interface Waiting<Mapped> {
  readonly promise: Promise<readonly Mapped[]>;
  readonly resolve: (rows: readonly Mapped[]) => void;
  readonly reject: (error: AlcoveError) => void;
}

interface Ports {
  readonly runtime: Runtime;
  /** Null while there is no engine; the query is told of the next one by `attach`. */
  port(): EnginePort | null;
  /** Why no first rows can come until somebody does something; null: they may. `obstacleChanged` tells of another. */
  obstacle(): AlcoveError | null;
  /** The query is used, for the first time or again. Gives the id it goes by from now on: what is still said to an older one is not for it. */
  onBegun(): string;
  /** The query is not used any more: forget it. */
  onEnded(queryId: string): void;
}

/** Free of effects until it is listened to or awaited: a render that comes to nothing, on a server for instance, leaves nothing behind. */
export class PageQuery<Mapped> implements LiveQuery<Mapped> {
  readonly query: EngineQuery;
  readonly #ports: Ports;
  #queryId = '';
  readonly #map: BuiltQuery<Mapped>['map'];
  readonly #result: Observable<QueryResult<Mapped>>;
  #columns: readonly string[] = [];
  #revision = 0;
  #watching = false;
  /** It goes by an id. */
  #begun = false;
  /** An engine was lost while running it: it is not run again. */
  #condemned = false;
  /** What is known of it, whatever stands in the way. */
  #known: QueryResult<Mapped> = PENDING;
  #unused: Timer | null = null;
  #fulfilled: (Promise<readonly Mapped[]> & { readonly status: 'fulfilled'; readonly value: readonly Mapped[] }) | null = null;
  #waiting: Waiting<Mapped> | null = null;

  constructor(built: BuiltQuery<Mapped>, ports: Ports) {
    this.query = { sql: built.sql, params: built.params };
    this.#map = built.map;
    this.#ports = ports;
    this.#result = new Observable<QueryResult<Mapped>>(PENDING, { onUsed: () => this.#used(), onUnused: () => this.#endUnlessUsed() });
    this.subscribe = this.#result.subscribe;
    this.getSnapshot = this.#result.getSnapshot;
  }

  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => QueryResult<Mapped>;

  get queryId(): string {
    return this.#queryId;
  }

  get promise(): Promise<readonly Mapped[]> {
    if (this.#known.data === undefined && this.#known.error === undefined) {
      this.#used();
      if (!this.#result.used) this.#endUnlessUsed();
    }
    const { data, error } = this.getSnapshot();
    if (error !== undefined) return Promise.reject(error);
    if (data !== undefined) {
      if (this.#fulfilled?.value !== data)
        this.#fulfilled = Object.assign(Promise.resolve(data), { status: 'fulfilled' as const, value: data });
      return this.#fulfilled;
    }
    if (this.#waiting === null) {
      let resolve: (rows: readonly Mapped[]) => void = () => undefined;
      let reject: (error: AlcoveError) => void = () => undefined;
      const promise = new Promise<readonly Mapped[]>((fulfil, refuse) => {
        resolve = fulfil;
        reject = refuse;
      });
      promise.catch(() => undefined);
      this.#waiting = { promise, resolve, reject };
    }
    return this.#waiting.promise;
  }

  /** A new engine is there. */
  attach(port: EnginePort): void {
    if (!this.#watching) return;
    this.#revision = 0;
    port.tell({ type: 'watch', queryId: this.queryId, query: this.query });
  }

  /** The engine was lost while running this query: it is not run again. Returns whether it was to be until now. */
  condemn(error: AlcoveError): boolean {
    if (this.#condemned) return false;
    this.#watching = false;
    this.#condemned = true;
    this.#show({ ...this.#known, status: 'error', error });
    return true;
  }

  /** There is no engine and will be none until somebody asks for one; then the query goes on. */
  fail(error: AlcoveError): void {
    if (this.#known.data !== undefined) this.#show({ ...this.#known, status: 'error', error });
  }

  /** Another obstacle, or none any more. */
  obstacleChanged(): void {
    this.#show(this.#known);
  }

  /** Rows stay, but nobody keeps them true just now. */
  detached(): void {
    if (this.#known.status === 'current') this.#show({ ...this.#known, status: 'cached' });
  }

  hear(notice: QueryNotice): void {
    if (!this.#watching) return;
    let { data } = this.#known;
    if (notice.update !== null) {
      const expected = notice.update.kind === 'whole' || notice.revision === this.#revision + 1;
      if (!expected) throw new AlcoveError('internal', `query update ${notice.revision} followed ${this.#revision}`);
      if (notice.update.kind === 'whole') this.#columns = notice.update.columns;
      const columns = this.#columns;
      data = applyRowsUpdate(data ?? [], notice.update, (rows) => this.#map(rows, columns));
    }
    this.#revision = notice.revision;
    // Rows of an engine before this one are complete, at an older version.
    const status = notice.status === 'pending' && data !== undefined ? 'cached' : notice.status;
    this.#show({ data, status, error: notice.error === null ? undefined : AlcoveError.fromBody(notice.error) });
  }

  /** Stops at once. */
  end(): void {
    this.#unused?.cancel();
    this.#unused = null;
    if (this.#watching) this.#ports.port()?.tell({ type: 'unwatch', queryId: this.queryId });
    this.#watching = false;
    this.#waiting?.reject(new AlcoveError('closed', 'the query ended before it had a result'));
    this.#waiting = null;
  }

  #used(): void {
    this.#unused?.cancel();
    this.#unused = null;
    if (this.#watching || this.#condemned) return;
    if (!this.#begun) {
      this.#begun = true;
      this.#revision = 0;
      this.#queryId = this.#ports.onBegun();
    }
    this.#watching = true;
    this.obstacleChanged();
    this.#ports.port()?.tell({ type: 'watch', queryId: this.queryId, query: this.query });
  }

  /** Ends after a while without listeners; called again whenever the last one has gone. */
  #endUnlessUsed(): void {
    this.#unused?.cancel();
    this.#unused = this.#ports.runtime.setTimer(UNUSED_QUERY_MS, () => {
      if (this.#result.used) return;
      if (this.#waiting !== null) return this.#endUnlessUsed();
      this.end();
      this.detached();
      this.#begun = false;
      this.#ports.onEnded(this.queryId);
    });
  }

  /** It stays the promise of these rows: React takes another one for one that is made in each render. */
  #fulfil({ promise, resolve }: Waiting<Mapped>, rows: readonly Mapped[]): void {
    resolve(rows);
    this.#fulfilled = Object.assign(promise, { status: 'fulfilled' as const, value: rows });
  }

  #show(known: QueryResult<Mapped>): void {
    this.#known = known;
    const obstacle = known.status === 'pending' ? this.#ports.obstacle() : null;
    const result: QueryResult<Mapped> = obstacle === null ? known : { data: undefined, status: 'error', error: obstacle };
    const before = this.getSnapshot();
    const same = before.data === result.data && before.status === result.status && before.error === result.error;
    const waiting = this.#waiting;
    if (waiting !== null && (result.error !== undefined || result.data !== undefined)) {
      this.#waiting = null;
      if (result.error !== undefined) waiting.reject(result.error);
      else this.#fulfil(waiting, result.data ?? []);
    }
    if (!same) this.#result.set(result);
  }
}
