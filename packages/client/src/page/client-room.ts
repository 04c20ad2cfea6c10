import { AlcoveError } from '@alcove/core/error';
import { type Bookmark, bookmarkOf } from '@alcove/core/protocol/bookmark';
import type { AnyRoom, CursorOf, EphemeralName, EphemeralOf, PresenceOf, ValueName, ValueOf } from '@alcove/core/schema/define-room';
import type { RowOf } from '@alcove/core/sqlite/built-query';
import type { ClientStoppedNotice, EngineHint, EngineStatus } from '../sync/engine-interface.ts';
import { resolveEngineLimits } from '../sync/engine-limits.ts';
import type { ClientRoomOptions } from './client-room-options.ts';
import type { LiveQuery } from './live-query.ts';
import { assertNonePending, type ForgetOptions } from './forget-places.ts';
import { KeptRoomPlace, NO_FACTS } from './kept-room-place.ts';
import { callAgain, mutateFunctions } from './mutate-functions.ts';
import type { MutateFunctions } from './mutate-functions.ts';
import { Observable, type Readable } from './observable.ts';
import { PageMutations } from './page-mutations.ts';
import { PendingElsewhere } from './pending-elsewhere.ts';
import type { MutationHandle } from './mutation-handle.ts';
import type { MutationLine } from './mutation-line.ts';
import { PageQueries } from './page-queries.ts';
import { PageReads } from './page-reads.ts';
import { type OpenServerQuery, PageServerQueries } from './page-server-queries.ts';
import { built, type QueryBuild } from './query-build.ts';
import type { SharedState } from './page-states.ts';
import { idempotentOf } from './sort-stopped.ts';
import type { DebouncedValue } from './page-value.ts';
import { type EnginePage, RoomEngines } from './room-engines.ts';
import { RoomStates } from './room-states.ts';
import { RoomStatus } from './room-status.ts';
import { serverSql, type ServerSql } from './server-sql.ts';
import { RoomUsers } from './room-users.ts';
import { obstacleIn, type SyncStatus } from './sync-status.ts';
import type { NoticeTakers } from './take-notice.ts';
import { WantedClients } from './wanted-clients.ts';

const SEEN = new Observable(false);

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
  /**
   * Reads on the server: SQL of one's own, as a builder or sql`…`, and the definition's queries by name. One statement of SQLite that only reads, of this room alone, as far as its user may see it.
   * Rejects with the server's code: `sql_unavailable`, `query_invalid`, `sql_refused`, `sql_failed`, `query_timeout`, `read_behind` …; without a connection within `waitMs`, `connection_lost`.
   */
  readonly sql: ServerSql<Room>;
  /**
   * A query that is asked on the server: when it is listened to first, on `refresh`, and as its options say. By SQL, or by the name of one of the definition's and its arguments. Equal ones share
   * what they ask. @throws AlcoveError `query_invalid`, `query_unknown`, `arguments_invalid`, `option_invalid`
   */
  readonly serverQuery: OpenServerQuery<Room>;
  /** The connection, versions, and progress of the first load. */
  readonly status: Readable<SyncStatus>;
  /** Mutations the room has not decided, oldest first. */
  readonly pending: Readable<readonly MutationLine[]>;
  /** Those of other tabs of this browser that the room has not decided, as far as this tab heard of them: the oldest 100; `status` has their number. */
  readonly pendingElsewhere: Readable<readonly MutationLine[]>;
  /** The newest 100 that the room applied since this page was loaded, in the order they were. */
  readonly applied: Readable<readonly MutationLine[]>;
  /** Rejected, failed, unknown and lost ones, until dismissed. */
  readonly rejected: Readable<readonly MutationLine[]>;
  /** What sessions say of themselves. */
  readonly presence: SharedState<PresenceOf<Room>>;
  /** People's pointers. */
  readonly cursors: SharedState<CursorOf<Room>>;

  readonly #options: ClientRoomOptions;
  readonly #status: RoomStatus;
  readonly #mutations: PageMutations;
  readonly #elsewhere = new PendingElsewhere();
  readonly #wanted: WantedClients;
  readonly #queries: PageQueries;
  readonly #reads: PageReads;
  readonly #serverQueries: PageServerQueries;
  readonly #states: RoomStates;
  readonly #users: RoomUsers;
  /** Null where nothing is kept. */
  readonly #kept: KeptRoomPlace | null;
  readonly #engines: RoomEngines;
  #started = false;
  #closed = false;
  /** Between `suspend` and `resume`, which opens an engine. */
  #isAside = false;

  constructor(definition: Room, id: string, options: ClientRoomOptions) {
    this.definition = definition;
    this.id = id;
    this.#options = options;
    const { keeping } = options;
    this.#mutations = new PageMutations(options.runtime, options.runtime.newId(), keeping !== null, idempotentOf(definition));
    this.#kept =
      keeping === null
        ? null
        : new KeptRoomPlace(keeping, options.runtime, (clientId) => this.#engines.tell({ type: 'adoptStored', clientId }));
    this.#wanted = new WantedClients(options.runtime);
    this.#users = new RoomUsers({ runtime: options.runtime, isBusy: () => !this.isIdle, close: () => this.close() });
    this.#queries = new PageQueries(options.runtime, () => this.#engines.port);
    this.#states = new RoomStates(definition, options.runtime, (order) => this.#engines.tell(order));
    this.#status = new RoomStatus(options.runtime);
    [this.#reads, this.#serverQueries] = this.#makeReads();
    this.sql = serverSql(definition, this.#reads);
    this.serverQuery = this.#serverQueries.open as OpenServerQuery<Room>; // by the same definition
    this.status = this.#status.status;
    this.pending = this.#mutations.pending;
    this.pendingElsewhere = this.#elsewhere.list;
    this.applied = this.#mutations.applied;
    this.rejected = this.#mutations.rejected;
    // The definition's own types; inside, states are plain JSON that the room validated.
    this.presence = this.#states.presence as SharedState<unknown> as SharedState<PresenceOf<Room>>;
    this.cursors = this.#states.cursors as SharedState<unknown> as SharedState<CursorOf<Room>>; // as above
    this.mutate = mutateFunctions(definition, this.#mutations, () => this.#refusal());
    this.#engines = new RoomEngines(this.#mutations.clientId, () => this.#enginePage());
    for (const list of [this.pending, this.rejected, this.pendingElsewhere, this.#kept?.facts]) list?.subscribe(() => this.#showStatus());
  }

  #makeReads(): [PageReads, PageServerQueries] {
    const { runtime, limits, hidden = SEEN } = this.#options;
    const { serverReadTimeoutMs: timeoutMs } = resolveEngineLimits(limits);
    const reads = new PageReads({ runtime, timeoutMs, port: () => this.#engines.port, mutations: this.#mutations });
    const [status, shown] = [this.#status.status, () => this.#status.shown];
    const read: PageReads['read'] = (...question) => reads.read(...question);
    return [reads, new PageServerQueries(this.definition, { runtime, read, status, shown, hidden })];
  }

  /** What engines are handed, and who hears of them. */
  #enginePage(): EnginePage {
    const { definition, id } = this;
    const [mutations, queries, states, kept, status] = [this.#mutations, this.#queries, this.#states, this.#kept, this.#status];
    const reads = this.#reads;
    const takers: NoticeTakers = {
      queries,
      mutations,
      states,
      elsewhere: this.#elsewhere,
      kept,
      sessionClientId: () => this.#engines.sessionClientId,
      stopped: (notice) => this.#stopped(notice),
      status: (engine) => this.#heardStatus(engine),
      letGo: (clientIds) => this.#letGo(clientIds),
      forgotten: () => this.#forgotten(),
    };
    return { definition, id, options: this.#options, mutations, queries, reads, states, status, takers };
  }

  /** What dead pages left goes to a tab that can push it: this one has no session. Another engine goes on with the rest. */
  #letGo(clientIds: readonly string[] = []): void {
    this.#wanted.add(clientIds);
    const wanted = this.#wanted.now();
    if (this.#closed || wanted.length === 0 || this.status.getSnapshot().connection === 'connected') return;
    const gone = this.#mutations.letGo(wanted);
    if (gone.length === 0) return;
    this.#wanted.letGo(gone);
    this.#engines.restart();
    this.#kept?.giveUp(gone);
  }

  /** Opens the engine and connects, unless that was done. Everything may be called before it and waits. */
  start(): void {
    if (this.#closed) throw this.#closedError();
    if (this.#started) return;
    this.#options.onStarted();
    this.#started = true;
    if (this.#isAside) return;
    this.#kept?.own(this.#mutations.clientId);
    this.#engines.open();
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
    return this.#queries.get(built(build));
  }

  /** Runs a read once on this tab's replica, as soon as it is complete. */
  async read<Query>(build: QueryBuild<Query> | Query): Promise<readonly RowOf<Query>[]> {
    if (this.#closed) throw this.#closedError();
    const query = built(build);
    const { rows, columns } = await this.#queries.runOnce({ sql: query.sql, params: query.params });
    return query.map(rows, columns);
  }

  /**
   * What this tab shows, for `at` of a read here or of another tab, or of a server's code: nothing older is answered. Null before the first snapshot; as `at` that means what it does to leave it
   * out.
   */
  bookmark(): Bookmark | null {
    const { shown } = this.#status;
    return shown === null ? null : bookmarkOf(shown);
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
    return callAgain(this.definition, this.#mutations, this.#refusal(), key);
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
    if (this.#closed || this.#engines.isAway) return;
    this.#engines.isAway = true;
    this.#engines.tell({ type: 'start', connect: false });
    this.#showStatus();
  }

  /** Tries again at once: after `disconnect`, `failed` and `needs_auth`, or instead of waiting for the backoff. */
  reconnect(): void {
    if (this.#closed) return;
    this.#engines.isAway = false;
    if (!this.#started) return this.start();
    if (this.#isAside) return;
    if (this.#engines.port === null) return this.#engines.open();
    this.#engines.tell({ type: 'start', connect: true });
    this.#engines.tell({ type: 'hint', hint: 'online' });
    this.#showStatus();
  }

  hint(hint: EngineHint): void {
    this.#engines.tell({ type: 'hint', hint });
  }

  /** Whether all that was called and set here is decided and written. */
  get isIdle(): boolean {
    return this.undecided === 0 && !this.#states.hasUnwritten;
  }

  /** Leaves until `resume`: nothing is read or told meanwhile. */
  suspend(): void {
    this.#isAside = true;
    this.#engines.leave();
    this.#kept?.letGo();
  }

  /** Goes on under a client of its own: the one before may be taken for gone. */
  resume(): void {
    if (!this.#isAside) return;
    this.#isAside = false;
    if (this.#closed || !this.#started) return;
    const clientId = this.#mutations.startOver();
    this.#engines.startOver(clientId);
    this.#kept?.own(clientId);
    this.#states.startOver();
    this.#engines.open();
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
    this.#close(() => this.#mutations.endAll(this.#closedError()));
  }

  /** Another tab had what is kept removed: what this page called and the room has not decided may be nowhere any more, and nobody else knows of it. */
  #forgotten(): void {
    const error = new AlcoveError(
      'forgotten',
      `the room “${this.id}” was forgotten on this device, by another tab, before it had decided this`,
    );
    this.#close(() => this.#mutations.endAll(error, true));
  }

  #close(endMutations: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#users.end();
    this.#queries.endAll();
    this.#reads.fail(this.#closedError());
    this.#serverQueries.endAll();
    this.suspend();
    endMutations();
    this.#elsewhere.clear();
    this.#kept?.close();
    this.#status.closed(this.rejected.getSnapshot().length);
    this.#options.onClosed();
  }

  #stopped(notice: ClientStoppedNotice): void {
    const wasSession = notice.clientId === this.#engines.sessionClientId || notice.clientId === this.#mutations.clientId;
    const made = this.#mutations.stopped(notice);
    if (made !== null) this.#kept?.own(made);
    if (!wasSession) return;
    this.#engines.sessionClientId = this.#mutations.clientId;
    this.#states.startOver();
  }

  #heardStatus(status: EngineStatus): void {
    this.#status.heard(status);
    if (status.storage?.status === 'off') this.#mutations.keepNothing();
    if (status.welcomeVersion !== null) this.#mutations.welcomed(status.welcomeVersion);
    this.#queries.obstacle = obstacleIn(status);
    this.#showStatus();
  }

  #showStatus(): void {
    if (this.#closed) return;
    this.#status.show(() => {
      this.#kept?.pending(...this.#mutations.spokenFor());
      return {
        ...(this.#kept?.facts.getSnapshot() ?? NO_FACTS),
        notKept: this.#options.notKept ?? null,
        isAway: this.#engines.isAway,
        pending: this.#mutations.undecided,
        pendingElsewhere: this.#elsewhere.count,
        unsaved: this.#mutations.unsaved,
        rejected: this.rejected.getSnapshot().length,
      };
    });
  }

  /** Why no call is taken any more; null: it is. */
  #refusal(): AlcoveError | null {
    return this.#closed ? this.#closedError() : null;
  }

  #closedError(): AlcoveError {
    return new AlcoveError('closed', `the room “${this.id}” was closed`);
  }
}
