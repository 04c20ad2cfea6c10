import { AlcoveError } from '@alcove/core/error';
import { type Bookmark, type BookmarkParts, readBookmark } from '@alcove/core/protocol/bookmark';
import type { Runtime, Timer } from '@alcove/core/runtime/runtime';
import type { Row } from '@alcove/core/sqlite/database';
import { diffRows } from '../query/diff-rows.ts';
import type { ShownVersion } from '../sync/engine-interface.ts';
import type { EngineRead, ServerRows } from '../sync/server-read.ts';
import { alone } from './alone.ts';
import { applyRowsUpdate } from './apply-rows-update.ts';
import { type QueryResult, UNUSED_QUERY_MS } from './live-query.ts';
import { Observable, type Readable } from './observable.ts';
import { nextAskMs, type Refreshing } from './server-query-times.ts';
import type { ServerQuestion } from './server-question.ts';
import type { SyncStatus } from './sync-status.ts';

/** As a live query's result, with who found it, when, and from which version. What concerns an answer is null until there is one. */
export interface ServerQueryResult<Mapped> extends QueryResult<Mapped> {
  /** It is being asked, for the first time or again; rows stay meanwhile. */
  readonly isFetching: boolean;
  /** There are more rows, or bytes, than the server gives out at once. */
  readonly truncated: boolean;
  readonly bookmark: Bookmark | null;
  /** Who answered, how far it was behind the room then, and how long it took, in ms. */
  readonly replica: string | null;
  readonly lagVersions: number | null;
  readonly lagMs: number | null;
  readonly tookMs: number | null;
  /** Wall time of the answer, in ms. */
  readonly fetchedAtMs: number | null;
  /** Asks now; while it is being asked, once more when that is answered. Resolved with the answer, or the error, in the result. Of stable identity. */
  readonly refresh: () => Promise<void>;
}

/** A query that is asked on the server, and again as its listeners want it. Equal ones share what is asked. */
export interface ServerQuery<Mapped> extends Readable<ServerQueryResult<Mapped>> {
  /** As in the result. */
  readonly refresh: () => Promise<void>;
}

/** What it needs of the room. */
export interface ServerQueryPorts {
  readonly runtime: Runtime;
  read(read: EngineRead, signal: AbortSignal): Promise<ServerRows>;
  readonly status: Readable<SyncStatus>;
  /** What is shown of the room; null: nothing yet. */
  shown(): ShownVersion | null;
  /** Nobody looks at the page. */
  readonly hidden: Readable<boolean>;
  /** It is in use from now on, until told otherwise: to be kept alive. */
  onUsed(isUsed: boolean): void;
}

interface Answer<Mapped> {
  readonly rows: readonly Row[];
  readonly at: BookmarkParts;
  readonly data: readonly Mapped[];
}

/** One question and its answers, shared by all that ask it; free of effects until it is listened to or refreshed. One read at a time. */
export class SharedServerQuery<Mapped> {
  readonly #question: ServerQuestion<Mapped>;
  readonly #read: EngineRead;
  readonly #ports: ServerQueryPorts;
  readonly #result: Observable<ServerQueryResult<Mapped>>;
  readonly #views = new Map<string, ServerQuery<Mapped>>();
  /** What its listeners want, one entry each. */
  readonly #wishes = new Set<Refreshing>();
  #answer: Answer<Mapped> | null = null;
  #reading: { readonly abort: AbortController; readonly done: Promise<void> } | null = null;
  /** Asked for while it was being read. */
  #isWanted = false;
  #endedMs = Number.NEGATIVE_INFINITY;
  /** Answers and retryable errors in a row that left it behind the room. */
  #inVain = 0;
  /** Since when the room is ahead of the answer; null: it is not known to be. */
  #behindSinceMs: number | null = null;
  #wasConnected = false;
  /** The room's newest version when it was asked last. */
  #askedAtVersion = 0;
  #timer: Timer | null = null;
  #unused: Timer | null = null;
  #stopListening: (() => void) | null = null;

  constructor(question: ServerQuestion<Mapped>, read: EngineRead, ports: ServerQueryPorts) {
    this.#question = question;
    this.#read = read;
    this.#ports = ports;
    this.#result = new Observable<ServerQueryResult<Mapped>>(this.#pending(), { onUsed: () => this.#used(), onUnused: () => this.#idle() });
  }

  /** The same for the same wishes, as long as this lives. */
  view(refreshing: Refreshing): ServerQuery<Mapped> {
    const key = JSON.stringify(refreshing);
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const view: ServerQuery<Mapped> = {
      subscribe: (listener) => this.#subscribe(listener, { ...refreshing }),
      getSnapshot: this.#result.getSnapshot,
      refresh: this.refresh,
    };
    this.#views.set(key, view);
    return view;
  }

  readonly refresh = (): Promise<void> => {
    if (this.#reading === null) return this.#ask();
    this.#isWanted = true;
    return this.#reading.done.then(() => this.#reading?.done);
  };

  /** Stops at once. */
  end(): void {
    this.#unused?.cancel();
    this.#unused = null;
    this.#timer?.cancel();
    this.#timer = null;
    this.#stopListening?.();
    this.#stopListening = null;
    this.#isWanted = false;
    this.#reading?.abort.abort();
    this.#reading = null;
    this.#show({ isFetching: false });
  }

  /** `wish`: an object of this listener's own. */
  #subscribe(listener: () => void, wish: Refreshing): () => void {
    const stop = this.#result.subscribe(listener);
    if (wish.enabled) {
      this.#wishes.add(wish);
      // Whoever comes finds the newest there is, and makes it so.
      if (this.#reading === null && this.#result.getSnapshot().status !== 'current') void this.#ask();
      this.#plan();
    }
    return () => {
      stop();
      if (this.#wishes.delete(wish)) this.#plan();
    };
  }

  #used(): void {
    this.#unused?.cancel();
    this.#unused = null;
    this.#ports.onUsed(true);
    if (this.#stopListening !== null) return;
    const stops = [this.#ports.status.subscribe(() => this.#look()), this.#ports.hidden.subscribe(() => this.#plan())];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
    this.#look();
  }

  /** A remount finds it as it was; after a while nobody waits for it any more. */
  #idle(): void {
    this.#unused?.cancel();
    this.#unused = this.#ports.runtime.setTimer(UNUSED_QUERY_MS, () => {
      if (this.#result.used) return;
      this.end();
      this.#ports.onUsed(false);
    });
  }

  #ask(): Promise<void> {
    const abort = new AbortController();
    this.#askedAtVersion = this.#roomVersion();
    this.#isWanted = false;
    const done = this.#ports.read(this.#read, abort.signal).then(
      (found) => this.#settle(abort, () => this.#answered(found)),
      (error: unknown) => this.#settle(abort, () => this.#failed(AlcoveError.from(error))),
    );
    this.#reading = { abort, done };
    this.#show({ isFetching: true });
    this.#plan();
    return done;
  }

  /** What was given up is nobody's business any more. */
  #settle({ signal }: AbortController, settle: () => void): void {
    if (signal.aborted) return;
    this.#reading = null;
    this.#behindSinceMs = null;
    this.#endedMs = this.#ports.runtime.monotonicMs();
    settle();
    if (this.#isWanted) void this.#ask();
    else if (this.#result.used) this.#look();
  }

  #answered({ columns, rows, bookmark, truncated, replica, lagVersions, lagMs, tookMs }: ServerRows): void {
    let data: readonly Mapped[];
    try {
      data = this.#mapped(rows, columns);
    } catch (error) {
      // A column of the app's own that cannot read what is there.
      return this.#failed(AlcoveError.from(error));
    }
    this.#answer = { rows, at: readBookmark(bookmark), data };
    const status = this.#worth();
    this.#inVain = status === 'current' || this.#roomVersion() > this.#askedAtVersion ? 0 : this.#inVain + 1;
    const fetchedAtMs = this.#ports.runtime.nowMs();
    const about = { truncated, bookmark, replica, lagVersions, lagMs, tookMs, fetchedAtMs };
    this.#show({ data, error: undefined, status, ...about, isFetching: false });
  }

  /** Rows that did not change keep their objects, and so does a list in which none did. */
  #mapped(rows: readonly Row[], columns: readonly string[]): readonly Mapped[] {
    const map = (some: readonly Row[]): readonly Mapped[] => this.#question.map(some, columns);
    if (this.#answer === null) return map(rows);
    const parts = diffRows(this.#answer.rows, rows);
    return parts === null ? this.#answer.data : applyRowsUpdate(this.#answer.data, { kind: 'patch', parts }, map);
  }

  #failed(error: AlcoveError): void {
    this.#inVain += 1;
    this.#show({ status: 'error', error, isFetching: false });
  }

  /** The room, or the way to it, may have changed. */
  #look(): void {
    const isConnected = this.#ports.status.getSnapshot().connection === 'connected';
    // Another try may come to more.
    if (this.#roomVersion() > this.#askedAtVersion || (isConnected && !this.#wasConnected)) this.#inVain = 0;
    this.#wasConnected = isConnected;
    if (!isConnected || !this.#isBehind()) this.#behindSinceMs = null;
    else this.#behindSinceMs ??= this.#ports.runtime.monotonicMs();
    if (this.#answer !== null && this.#result.getSnapshot().error === undefined) this.#show({ status: this.#worth() });
    this.#plan();
  }

  #isBehind(): boolean {
    const { error } = this.#result.getSnapshot();
    if (error !== undefined) return error.retryable;
    return this.#answer !== null && this.#worth() !== 'current';
  }

  #worth(): 'cached' | 'current' {
    const { connection } = this.#ports.status.getSnapshot();
    const shown = this.#ports.shown();
    if (this.#answer === null || connection !== 'connected') return 'cached';
    const { historyId, version } = this.#answer.at;
    return version >= this.#roomVersion() && (shown === null || shown.historyId === historyId) ? 'current' : 'cached';
  }

  /** As last heard. */
  #roomVersion(): number {
    return Math.max(this.#ports.status.getSnapshot().headVersion ?? 0, this.#ports.shown()?.version ?? 0);
  }

  /** When to ask next; what is due is asked. */
  #plan(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#reading !== null || this.#wishes.size === 0 || this.#ports.hidden.getSnapshot()) return;
    const { runtime } = this.#ports;
    const error = this.#result.getSnapshot().error;
    const atMs = nextAskMs([...this.#wishes], {
      endedMs: this.#endedMs,
      behindSinceMs: this.#behindSinceMs,
      inVain: this.#inVain,
      wasCutOff: error?.code === 'connection_lost',
    });
    if (atMs === null) return;
    this.#timer = runtime.setTimer(Math.max(0, atMs - runtime.monotonicMs()), () => {
      this.#timer = null;
      if (this.#reading === null) void this.#ask();
    });
  }

  #pending(): ServerQueryResult<Mapped> {
    return {
      data: undefined,
      status: 'pending',
      error: undefined,
      isFetching: false,
      truncated: false,
      bookmark: null,
      replica: null,
      lagVersions: null,
      lagMs: null,
      tookMs: null,
      fetchedAtMs: null,
      refresh: this.refresh,
    };
  }

  #show(change: Partial<ServerQueryResult<Mapped>>): void {
    const before = this.#result.getSnapshot();
    const entries = Object.entries(change) as [keyof ServerQueryResult<Mapped>, unknown][]; // keys of that very type
    if (entries.some(([key, value]) => before[key] !== value)) alone(() => this.#result.set({ ...before, ...change }));
  }
}
