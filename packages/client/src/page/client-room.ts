import { AlcoveError, exhaustive } from '@alcove/core/error';
import type { ErrorBody } from '@alcove/core/error';
import type { AnyRoom, CursorOf, EphemeralName, EphemeralOf, PresenceOf, ValueName, ValueOf } from '@alcove/core/schema/define-room';
import { type RowOf, type SyncDrizzle, queryOf, sessionlessDrizzle } from '@alcove/core/sqlite/drizzle';
import type { ClientStoppedNotice, EngineHint, EngineNotice, EngineStatus, ShownVersion } from '../sync/engine-interface.ts';
import type { EngineLoss, EngineOrder, EnginePort } from '../worker/engine-port.ts';
import { alone } from './alone.ts';
import type { ClientRoomOptions } from './client-room-options.ts';
import type { LiveQuery } from './live-query.ts';
import { assertNonePending, type ForgetOptions } from './forget-places.ts';
import { KeptRoomPlace, NO_FACTS } from './kept-room-place.ts';
import { callAgain, mutateFunctions } from './mutate-functions.ts';
import type { MutateFunctions } from './mutate-functions.ts';
import { Observable } from './observable.ts';
import type { Readable } from './observable.ts';
import { PageMutations } from './page-mutations.ts';
import { notRunAgain } from './not-run-again.ts';
import type { MutationHandle } from './mutation-handle.ts';
import type { MutationLine } from './mutation-line.ts';
import { PageQueries } from './page-queries.ts';
import type { SharedState } from './page-states.ts';
import { idempotentOf } from './sort-stopped.ts';
import type { DebouncedValue } from './page-value.ts';
import { RoomStates } from './room-states.ts';
import { RoomUsers } from './room-users.ts';
import { INITIAL_STATUS, lostTailIn, obstacleIn, syncStatusOf } from './sync-status.ts';
import type { LostTail, SyncStatus } from './sync-status.ts';

/** Builds a query, synchronously: a Drizzle select, or sql`…`. */
export type QueryBuild<Query> = (db: SyncDrizzle) => Query;

/**
 * A room as the app holds it. Keeps what must outlive a worker (mutations without a fate, own states, the queries in use) and hands it to the next one.
 * Everything readable has `subscribe` and `getSnapshot`.
 */
export class ClientRoom<Room extends AnyRoom = AnyRoom> {
  /** What it was opened with. */
  readonly definition: Room;
  /** Room id, as it was given. */
  readonly id: string;
  /** Mutators by name. None throws: what goes wrong is told by the mutation that it returns. */
  readonly mutate: MutateFunctions<Room>;
  /** The connection, versions, and progress of the first load. */
  readonly status: Readable<SyncStatus>;
  /** Mutations the room has not decided, oldest first. */
  readonly pending: Readable<readonly MutationLine[]>;
  /** Rejected, failed, unknown and lost ones, until dismissed. */
  readonly rejected: Readable<readonly MutationLine[]>;
  /** What sessions say of themselves. */
  readonly presence: SharedState<PresenceOf<Room>>;
  /** People's pointers. */
  readonly cursors: SharedState<CursorOf<Room>>;

  readonly #options: ClientRoomOptions;
  readonly #status = new Observable<SyncStatus>(INITIAL_STATUS);
  readonly #mutations: PageMutations;
  readonly #queries: PageQueries;
  readonly #states: RoomStates;
  readonly #users: RoomUsers;
  /** Null where nothing is kept. */
  readonly #kept: KeptRoomPlace | null;
  #engineStatus: EngineStatus | null = null;
  /** What was shown last, by this engine or an earlier one. */
  #shown: ShownVersion | null = null;
  /** Client group that the room knows this page as. */
  #groupId: string | null = null;
  #lostTail: LostTail | null = null;
  #port: EnginePort | null = null;
  #started = false;
  #closed = false;
  /** By `disconnect`. */
  #isAway = false;
  /** Engines opened so far. */
  #lives = 0;
  /** The client whose session it is: mutations may have been renamed since, sessions and counters were not. */
  #sessionClientId: string;

  constructor(definition: Room, id: string, options: ClientRoomOptions) {
    this.definition = definition;
    this.id = id;
    this.#options = options;
    const { keeping } = options;
    this.#mutations = new PageMutations(options.runtime, options.runtime.newId(), keeping !== null, idempotentOf(definition));
    this.#kept =
      keeping === null ? null : new KeptRoomPlace(keeping, options.runtime, (clientId) => this.#tell({ type: 'adoptStored', clientId }));
    this.#users = new RoomUsers({ runtime: options.runtime, isBusy: () => !this.isIdle, close: () => this.close() });
    this.#sessionClientId = this.#mutations.clientId;
    this.#queries = new PageQueries(options.runtime, () => this.#port);
    this.#states = new RoomStates(definition, options.runtime, (order) => this.#tell(order));
    this.status = this.#status;
    this.pending = this.#mutations.pending;
    this.rejected = this.#mutations.rejected;
    // The definition's own types; inside, states are plain JSON that the room validated.
    this.presence = this.#states.presence as SharedState<unknown> as SharedState<PresenceOf<Room>>;
    this.cursors = this.#states.cursors as SharedState<unknown> as SharedState<CursorOf<Room>>; // as above
    this.mutate = mutateFunctions(definition, this.#mutations, () => (this.#closed ? this.#closedError() : null));
    for (const list of [this.pending, this.rejected, this.#kept?.facts]) list?.subscribe(() => this.#showStatus());
  }

  /** Opens the engine and connects, unless that was done. Everything may be called before it and waits. */
  start(): void {
    if (this.#closed) throw this.#closedError();
    if (this.#started) return;
    this.#options.onStarted();
    this.#started = true;
    this.#kept?.own(this.#mutations.clientId);
    this.#open();
  }

  /**
   * Starts the room and keeps it open until the returned function is called; without another user it then closes after a while (so that a remount finds it as it
   * was), but never before the room has decided every mutation called here and written every value set here.
   */
  retain(): () => void {
    this.start();
    return this.#users.add();
  }

  /** The client whose mutations are made here; another one after the room has forgotten it. */
  get clientId(): string {
    return this.#mutations.clientId;
  }

  /** True for good after `close`, or some seconds after the last user was gone; ask the client for another one then. */
  get closed(): boolean {
    return this.#closed;
  }

  /** @throws AlcoveError `query_invalid` where the build is asynchronous, is no query or does more than read. */
  query<Query>(build: QueryBuild<Query> | Query): LiveQuery<RowOf<Query>> {
    return this.#queries.get(this.#built(build));
  }

  /** Runs a read once on this tab's replica, as soon as it is complete. */
  async read<Query>(build: QueryBuild<Query> | Query): Promise<readonly RowOf<Query>[]> {
    if (this.#closed) throw this.#closedError();
    const built = this.#built(build);
    const { rows, columns } = await this.#queries.runOnce({ sql: built.sql, params: built.params });
    return built.map(rows, columns);
  }

  value<Name extends ValueName<Room>>(name: Name, key = ''): DebouncedValue<ValueOf<Room, Name>> {
    // Checked by the definition's validator in the engine and in the room.
    return this.#states.value(name, key) as DebouncedValue<unknown> as DebouncedValue<ValueOf<Room, Name>>;
  }

  ephemeral<Name extends EphemeralName<Room>>(name: Name, key = ''): SharedState<EphemeralOf<Room, Name>> {
    return this.#states.ephemeral(name, key) as SharedState<unknown> as SharedState<EphemeralOf<Room, Name>>; // as above
  }

  /** Takes a mutation off `rejected`. */
  dismiss(key: number): void {
    this.#mutations.dismiss(key);
  }

  /** Calls a mutation of `rejected` again, as a new one, and takes its line off; null where there is no such line. What comes of it is told as of any call. */
  retry(key: number): MutationHandle | null {
    const line = this.rejected.getSnapshot().find((one) => one.key === key);
    if (line === undefined) return null;
    this.dismiss(key);
    return callAgain(this.definition, this.#mutations, this.#closed ? this.#closedError() : null, line);
  }

  /** Takes `status.lostOutbox` off. */
  dismissLostOutbox(): void {
    this.#kept?.dismissLostOutbox();
  }

  /**
   * Closes the room in every tab of this browser and removes what is kept of it for this user: replica, pending and rejected mutations. For signing out.
   *
   * @throws AlcoveError `pending_writes` where mutations would be lost that the room has not decided, and `discardPending` is not set: nothing is removed then
   */
  async forget(options: ForgetOptions = {}): Promise<void> {
    const room = { unsaved: () => this.unsaved, close: () => this.close() };
    if (this.#kept !== null) return this.#kept.forget(room, options);
    if (options.discardPending !== true) assertNonePending(this.id, this.unsaved);
    this.close();
  }

  /** Ends the connection and makes none until `reconnect`, also where the room is not started yet: reads and mutations go on, as they do offline. */
  disconnect(): void {
    if (this.#closed || this.#isAway) return;
    this.#isAway = true;
    this.#tell({ type: 'start', connect: false });
    this.#showStatus();
  }

  /** Tries again at once: after `disconnect`, `failed` and `needs_auth`, or instead of waiting for the backoff. */
  reconnect(): void {
    if (this.#closed) return;
    this.#isAway = false;
    if (!this.#started) return this.start();
    if (this.#port === null) return this.#open();
    this.#tell({ type: 'start', connect: true });
    this.#tell({ type: 'hint', hint: 'online' });
    this.#showStatus();
  }

  hint(hint: EngineHint): void {
    this.#tell({ type: 'hint', hint });
  }

  /** Whether all that was called and set here is decided and written. */
  get isIdle(): boolean {
    return this.undecided === 0 && !this.#states.hasUnwritten;
  }

  /** Leaves until `resume`: nothing is read or told meanwhile. */
  suspend(): void {
    this.#tell({ type: 'leave' });
    this.#port = null;
    this.#mutations.detach();
    this.#queries.detached();
  }

  /** Goes on under a client of its own: the one before may be taken for gone. */
  resume(): void {
    if (this.#closed || !this.#started) return;
    this.#lives = 0;
    this.#sessionClientId = this.#mutations.startOver();
    this.#kept?.own(this.#sessionClientId);
    this.#states.startOver();
    this.#open();
  }

  /** Mutations of this page that the room has not decided. */
  get undecided(): number {
    return this.#mutations.undecided;
  }

  /** Mutations that exist only in this page's memory: what leaving it now would lose. */
  get unsaved(): number {
    return this.#mutations.unsaved;
  }

  /** Leaves the room and frees its memory. What is not yet decided ends with `closed`: see `pending` before. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#users.end();
    this.#queries.endAll();
    this.suspend();
    this.#mutations.endAll(this.#closedError());
    this.#kept?.close();
    this.#status.set({ ...this.#status.getSnapshot(), connection: 'closed', pendingCount: 0 });
    this.#options.onClosed();
  }

  #open(): void {
    const { url, groupId, limits, token, openEngine } = this.#options;
    this.#lives += 1;
    this.#queries.obstacle = null;
    const port = openEngine(
      {
        roomName: this.definition.name,
        roomId: this.id,
        schemaId: this.definition.model.schemaId,
        url,
        clientId: this.#sessionClientId,
        groupId: this.#groupId ?? groupId,
        isGroupBound: this.#groupId !== null,
        life: this.#lives,
        shown: this.#shown,
        limits,
        place: this.#options.keeping?.place ?? null,
        ...this.#mutations.carryOver(),
      },
      {
        token,
        onNotices: (notices) => {
          if (this.#port !== port) return;
          for (const notice of notices) alone(() => this.#hear(notice));
        },
        onLost: (loss) => {
          if (this.#port === port) this.#lost(loss);
        },
      },
    );
    this.#port = port;
    this.#states.attach();
    this.#queries.attach(port);
    port.tell({ type: 'start', connect: !this.#isAway });
    this.#mutations.attach(port);
  }

  #lost({ error, blame, final }: EngineLoss): void {
    this.#port = null;
    this.#mutations.detach();
    notRunAgain(error, blame, this.#queries, this.#mutations);
    this.#queries.detached();
    if (final) return this.#fail(error);
    this.#open();
  }

  #fail(error: ErrorBody): void {
    const failure = AlcoveError.fromBody(error);
    this.#options.runtime.log.error('a room cannot be opened here', {
      room: this.definition.name,
      id: this.id,
      code: error.code,
      message: error.message,
    });
    this.#queries.failAll(failure);
    this.#engineStatus = null;
    this.#status.set({ ...this.#status.getSnapshot(), connection: 'failed', error: failure });
  }

  #hear(notice: EngineNotice): void {
    switch (notice.type) {
      case 'query':
        return this.#queries.hear(notice);
      case 'settled':
        return this.#mutations.settled(notice);
      case 'rekeyed':
        return this.#mutations.rekeyed(notice);
      case 'clientStopped':
        return this.#stopped(notice);
      case 'presence':
      case 'cursors':
      case 'ephemeral':
      case 'value':
      case 'stateRefused':
        return this.#states.hear(notice, this.#sessionClientId);
      case 'stored':
        return this.#mutations.stored(notice);
      case 'adopted':
        return this.#mutations.adopted(notice);
      case 'restored':
        this.#kept?.restored(notice);
        return this.#mutations.restored(notice);
      case 'others':
        return this.#kept?.others(notice.clientIds);
      case 'kept':
        return this.#kept?.kept(notice);
      case 'forgotten':
        return this.close();
      case 'status':
        this.#engineStatus = notice.status;
        this.#groupId = notice.status.groupId ?? this.#groupId;
        if (notice.status.storage?.status === 'off') this.#mutations.keepNothing();
        this.#showVersion(shownIn(notice.status));
        if (notice.status.welcomeVersion !== null) this.#mutations.welcomed(notice.status.welcomeVersion);
        this.#queries.obstacle = obstacleIn(notice.status);
        return this.#showStatus();
      default:
        return exhaustive(notice);
    }
  }

  #stopped(notice: ClientStoppedNotice): void {
    const wasSession = notice.clientId === this.#sessionClientId || notice.clientId === this.#mutations.clientId;
    const made = this.#mutations.stopped(notice);
    if (made !== null) this.#kept?.own(made);
    if (!wasSession) return;
    this.#sessionClientId = this.#mutations.clientId;
    this.#states.startOver();
  }

  #showVersion(shown: ShownVersion | null): void {
    this.#lostTail = lostTailIn(this.#shown, shown, this.#options.runtime.nowMs()) ?? this.#lostTail;
    this.#shown = shown ?? this.#shown;
  }

  #showStatus(): void {
    if (this.#engineStatus === null || this.#closed) return;
    this.#kept?.pending(...this.#mutations.spokenFor());
    const page = {
      ...(this.#kept?.facts.getSnapshot() ?? NO_FACTS),
      isAway: this.#isAway,
      pending: this.#mutations.undecided,
      unsaved: this.#mutations.unsaved,
      rejected: this.rejected.getSnapshot().length,
      lostTail: this.#lostTail,
    };
    this.#status.set(syncStatusOf(this.#engineStatus, page, this.#options.runtime.nowMs()));
  }

  /** Returns whether there is an engine to tell. */
  #tell(order: EngineOrder): boolean {
    this.#port?.tell(order);
    return this.#port !== null;
  }

  #built<Query>(build: QueryBuild<Query> | Query) {
    // A function is a build; queries themselves are objects.
    return queryOf(typeof build === 'function' ? (build as QueryBuild<Query>)(sessionlessDrizzle()) : build);
  }

  #closedError(): AlcoveError {
    return new AlcoveError('closed', `the room “${this.id}” was closed`);
  }
}

const shownIn = ({ historyId, version }: EngineStatus): ShownVersion | null =>
  historyId === null || version === null ? null : { historyId, version };
