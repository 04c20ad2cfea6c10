import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { EngineStatus, Forked, ShownVersion } from '../sync/engine-interface.ts';
import { Observable } from './observable.ts';
import { INITIAL_STATUS, lostTailIn, type PageStatus, type SyncStatus, syncStatusOf } from './sync-status.ts';
import type { LostTail } from './sync-status.ts';

/** What this page knows of one room: the word of its engines, one after the other, with what only the page can tell. */
export class RoomStatus {
  readonly status = new Observable<SyncStatus>(INITIAL_STATUS);
  readonly #runtime: Pick<Runtime, 'nowMs'>;
  /** Null: there is no engine that said anything, or the room cannot be opened. */
  #engine: EngineStatus | null = null;
  #shown: ShownVersion | null = null;
  /** Of the engine’s forks those that were heard of. */
  #forkedTimes = 0;
  #groupId: string | null = null;
  #lostTail: LostTail | null = null;
  #isClosed = false;

  constructor(runtime: Pick<Runtime, 'nowMs'>) {
    this.#runtime = runtime;
  }

  /** What was shown last, by this engine or an earlier one. */
  get shown(): ShownVersion | null {
    return this.#shown;
  }

  /** Client group that the room knows this page as; for good. */
  get groupId(): string | null {
    return this.#groupId;
  }

  /** Of an engine; to be shown by `show`. */
  heard(engine: EngineStatus): void {
    this.#engine = engine;
    this.#groupId = engine.groupId ?? this.#groupId;
    const shown = shownIn(engine, this.#shown);
    const { forked = NEVER } = engine;
    const fork = forked.times > this.#forkedTimes ? forked : null;
    this.#lostTail = lostTailIn(this.#shown, shown, { fork, atMs: this.#runtime.nowMs() }) ?? this.#lostTail;
    this.#forkedTimes = forked.times;
    this.#shown = shown ?? this.#shown;
  }

  /** Joined with what the page knows; `page` is asked only where there is something to show. */
  show(page: () => Omit<PageStatus, 'lostTail'>): void {
    if (this.#engine === null || this.#isClosed) return;
    this.status.set(syncStatusOf(this.#engine, { ...page(), lostTail: this.#lostTail }, this.#runtime.nowMs()));
  }

  /** No engine can be opened. */
  failed(error: ErrorBody): void {
    this.#engine = null;
    this.status.set({ ...this.status.getSnapshot(), connection: 'failed', error: AlcoveError.fromBody(error) });
  }

  /** For good: nothing is followed here any more, and nothing kept that is done here. */
  closed(rejectedCount: number): void {
    this.#isClosed = true;
    const last = this.status.getSnapshot();
    this.status.set({
      ...last,
      connection: 'closed',
      error: CLOSED,
      retryAtMs: null,
      replica: last.replica === 'current' ? 'cached' : last.replica,
      pendingCount: 0,
      pendingElsewhereCount: 0,
      rejectedCount,
      snapshotProgress: null,
      storage: 'off',
      storageError: null,
      unsavedCount: 0,
      sessionId: null,
    });
  }
}

const CLOSED = new AlcoveError('closed', 'the room was closed, or forgotten on this device: nothing is followed or kept here any more');

const NEVER: Forked = { times: 0, seenVersion: 0 };

/** Null: nothing, or something that may not follow on what another history showed `before`. */
function shownIn({ historyId, version, hash }: EngineStatus, before: ShownVersion | null): ShownVersion | null {
  if (historyId === null || version === null) return null;
  if (typeof hash === 'string') return { historyId, version, known: { version, hash } };
  return before?.historyId === historyId ? { ...before, version } : null;
}
