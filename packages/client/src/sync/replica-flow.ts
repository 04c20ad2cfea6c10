import type { ChangeSet } from '@alcove/core/change/change-set';
import { narrowChanges } from '@alcove/core/change/narrow';
import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { ClientMessageInput } from '@alcove/core/protocol/client-message';
import type { CommitMessage, ServerMessageOf, WelcomeMessage } from '@alcove/core/protocol/server-message';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { Database } from '@alcove/core/sqlite/database';
import type { Outbox, Settled } from '../outbox/outbox.ts';
import type { RestoreReplica } from '../replica/restore-replica.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import { Replica, type ReplicaPosition } from '../replica/replica.ts';
import { CommitQueue, type HeardCommit } from './commit-queue.ts';
import { ForkWatch, type RoomPoint } from './fork-watch.ts';
import type { FetchImage, Forked, HydrationProgress, ShownVersion } from './engine-interface.ts';
import { Hydration, type SnapshotImage } from './hydration.ts';
import { NextReplica } from './next-replica.ts';
import { RoomHead } from './room-head.ts';
import { SnapshotTries } from './snapshot-tries.ts';
import { StreamStart } from './stream-start.ts';

export interface ReplicaFlowOptions extends RunOptions {
  readonly outbox: Outbox;
  readonly siblings: SiblingMutations;
  readonly fetchImage: FetchImage | null;
  readonly imageStallMs: number;
  /** By an earlier engine of the same page. */
  readonly shownBefore: ShownVersion | null;
  openDatabase(image: Uint8Array | null): Database;
  /** False: there is no session. */
  send(message: ClientMessageInput): boolean;
  /** The session cannot go on; another is opened. */
  breakOff(error: AlcoveError): void;
  wake(): void;
  onChanges(changes: ChangeSet): void;
  /** Another database is shown from now on; the one before is closed when this returns. */
  onShown(database: Database): void;
  onSettled(settled: readonly Settled[]): void;
  /** What is shown moved to `position`, by these commits or as a whole (none), and these settled with it. */
  onProgress(position: ReplicaPosition, commits: readonly HeardCommit[], settled: readonly Settled[]): void;
  /** A snapshot came whole; `image` null: in rows; `isFork`: the room is without what was shown. The database is untouched; what takes its place is answered with. */
  onSnapshot(database: Database, position: ReplicaPosition, image: SnapshotImage | null, isFork: boolean): Database;
}

/**
 * The way of the room's state into what is shown: snapshots, the stream of commits, rebase. A snapshot is made ready beside the replica that is shown and
 * takes its place when it is as new; nothing half is ever shown.
 *
 * ```
 * welcome(resume) ──────────────────────────────▶ commits → queue → rebase of the shown replica
 * welcome(else) · rehydrate → hydration → next replica ─ caught up, results heard ─▶ shown
 * ```
 */
export class ReplicaFlow {
  readonly #options: ReplicaFlowOptions;
  readonly #hydration: Hydration;
  readonly #queue = new CommitQueue();
  #shown: Replica | null = null;
  #next: NextReplica | null = null;
  readonly #start: StreamStart;
  readonly #head = new RoomHead();
  readonly #tries: SnapshotTries;
  /** Settled by commits that could not be applied; told once a snapshot holds them. */
  #unshownSettled: Settled[] = [];
  readonly #forks: ForkWatch;
  #user: Claims | null = null;
  /** What this reader may see, as the room said last; null: it has not said. */
  #view: string | null = null;
  /** As welcome said. Another one than this side's is newer, and what this side does not know of it is left out. */
  #roomSchema: string;

  constructor(options: ReplicaFlowOptions) {
    this.#options = options;
    this.#roomSchema = options.room.model.schemaId;
    this.#forks = new ForkWatch(options.shownBefore);
    const { runtime, openDatabase, fetchImage, imageStallMs, room } = options;
    this.#start = new StreamStart({ ...options, queue: this.#queue });
    this.#tries = new SnapshotTries(fetchImage !== null);
    this.#hydration = new Hydration({
      runtime,
      imageStallMs,
      model: room.model,
      roomSchema: () => this.#roomSchema,
      openDatabase,
      fetchImage,
      wake: () => options.wake(),
      onStream: (position) => this.#start.from(position),
      onReady: (database, position, image) => this.#ready(database, position, image),
      onFailed: (error, by) => this.#failed(error, by),
    });
  }

  get database(): Database | null {
    return this.#shown?.database ?? null;
  }

  /** What is shown. */
  get position(): ReplicaPosition | null {
    return this.#shown?.position ?? null;
  }

  get pending(): Mutation[] {
    return this.#shown?.pending ?? [];
  }

  /** Null: never. */
  get forked(): Forked | null {
    return this.#forks.forked;
  }

  /** What hello resumes from: a replica that is not shown yet counts too. */
  get resumePosition(): ReplicaPosition | null {
    return (this.#next?.replica ?? this.#shown)?.position ?? null;
  }

  /** Of what is shown; null, too, where an earlier engine of the page showed something and nobody knows yet whether this follows on it. */
  get hash(): string | null {
    return this.#forks.isKnown ? (this.position?.hash ?? null) : null;
  }

  /** Where hello resumes from, and what the page showed where that is something else. */
  hello(): { readonly resume: ReplicaPosition | null; readonly shown?: RoomPoint } {
    const shown = this.#forks.ask(this.position, this.#next === null);
    return { resume: this.resumePosition, ...(shown === null ? {} : { shown }) };
  }

  get isCurrent(): boolean {
    const isLevel = this.#shown !== null && this.#shown.position.version >= this.#head.version;
    // While rows of another history are on their way the stream is open, and the room may be behind what is shown.
    return isLevel && this.#queue.isOpen && this.#next === null && !this.#hydration.isActive;
  }

  get progress(): HydrationProgress | null {
    const progress = this.#hydration.progress;
    if (progress !== null || this.#next === null) return progress;
    return { phase: 'opening', bytes: 0, bytesTotal: null, rows: 0, rowsTotal: null };
  }

  get snapshots(): ('image' | 'rows')[] {
    return this.#tries.kinds;
  }

  set user(user: Claims | null) {
    const isOther = JSON.stringify(user) !== JSON.stringify(this.#user);
    this.#user = user;
    if (this.#shown === null) return;
    this.#shown.user = user;
    if (isOther) this.#options.onChanges(this.#shown.runAgain());
  }

  /** Runs a new mutation on what is shown. False: there is nothing yet. @throws what its run throws. */
  run(mutation: Mutation): boolean {
    if (this.#shown === null) return false;
    this.#options.onChanges(this.#shown.mutate(mutation));
    return true;
  }

  /** Shows mutations that were pending elsewhere. */
  adopt(mutations: readonly Mutation[]): void {
    if (this.#shown !== null) this.#options.onChanges(this.#shown.adopt(mutations));
  }

  /** Mutations go by other names. */
  rename(rename: (mutation: Mutation) => Mutation): void {
    if (this.#shown !== null) this.#options.onChanges(this.#shown.rename(rename));
  }

  /** Mutations are not shown any more. */
  drop(isDropped: (mutation: Mutation) => boolean): void {
    if (this.#shown !== null) this.#options.onChanges(this.#shown.rebase([], isDropped));
  }

  welcome(message: WelcomeMessage): void {
    const { hydration, image, view, version, schema } = message;
    this.#roomSchema = schema;
    this.#view = view;
    this.#head.welcomed(version);
    this.#forks.welcomed(message);
    const position = this.resumePosition;
    if (this.#next !== null) this.#next.fromVersion = this.#mayShowFrom(this.#next.replica.position);
    if (hydration === 'resume' && position !== null) {
      this.#hydration.cancel();
      if (this.#next !== null) this.#next.isUnheard = false;
      this.#queue.begin(position);
      return;
    }
    this.#expectSnapshot(image, view);
  }

  rehydrate({ image, view }: ServerMessageOf<'rehydrate'>): void {
    this.#view = view;
    this.#expectSnapshot(image, view);
  }

  #expectSnapshot(image: WelcomeMessage['image'], view: string): void {
    this.#queue.end();
    this.#dropNext();
    this.#start.expect(image !== null);
    this.#hydration.begin(image, view);
    this.#options.wake();
  }

  snapshot(message: ServerMessageOf<'snapshotBegin' | 'snapshotRows' | 'snapshotEnd'>): void {
    if (message.type === 'snapshotBegin') this.#hydration.rowsBegin(message);
    else if (message.type === 'snapshotRows') this.#hydration.rowsChunk(message);
    else this.#hydration.rowsEnd(message);
  }

  pong(at: number | undefined): void {
    if (this.#start.pong(at)) this.#options.wake();
  }

  commit(said: CommitMessage): void {
    const { model } = this.#options.room;
    if (said.schema !== this.#roomSchema) {
      return this.#options.breakOff(new AlcoveError('connection_lost', 'the room changed its schema'));
    }
    const isOwn = said.schema === model.schemaId;
    const message = isOwn ? said : { ...said, schema: model.schemaId, changes: narrowChanges(model, said.changes) };
    const admitted = this.#queue.admit(message);
    if (admitted === 'queued') {
      this.#head.heard(message.to);
      this.#options.wake();
    }
    if (admitted === 'gap')
      this.#options.breakOff(new AlcoveError('connection_lost', `a commit from version ${message.from} on came before those up to it`));
    if (admitted === 'fork') this.#askSnapshot(new AlcoveError('snapshot_failed', `version ${message.to} has two hashes`));
  }

  #ready(made: Database, position: ReplicaPosition, image: SnapshotImage | null): void {
    const database = this.#options.onSnapshot(made, position, image, this.#forks.isForked);
    if (image !== null) this.#start.imageCame(position);
    this.#takeNext(new Replica(database, position, this.#options), this.#mayShowFrom(position));
  }

  #takeNext(replica: Replica, fromVersion: number, isKept = false): void {
    this.#next?.replica.close();
    this.#next = new NextReplica(replica, fromVersion, isKept);
    // Last: it may be shown before this returns.
    this.#options.wake();
  }

  /** Asks for a snapshot although what is shown is fine: another copy of it is wanted. False: there is no session, or one is on its way. */
  renew(): boolean {
    if (!this.#queue.isOpen || this.#next !== null || this.#hydration.isActive) return false;
    this.#askSnapshot(new AlcoveError('snapshot_failed', 'what was kept of the room is gone'));
    return true;
  }

  /** Goes on from what was kept, before there is a session: shown with the next turn, unless the tab has shown a newer state, or may not see that one any more. */
  restore({ replica }: RestoreReplica): void {
    const { position } = replica;
    const before = this.#options.shownBefore ?? position;
    const isOther = before.historyId !== position.historyId || (this.#view ?? position.view) !== position.view;
    if (this.#shown !== null || this.#next !== null || this.#queue.isOpen || isOther) return replica.close();
    this.#takeNext(replica, before.version, true);
  }

  /** Within a history no older version than the one shown, unless the room itself is behind it. */
  #mayShowFrom({ historyId, version }: ReplicaPosition): number {
    const shown = this.#shown?.position ?? this.#options.shownBefore;
    return shown === null || shown.historyId !== historyId ? version : Math.min(shown.version, this.#head.version);
  }

  #failed(error: AlcoveError, by: 'image' | 'rows'): void {
    if (by === 'image') this.#tries.imageFailed();
    this.#askSnapshot(error);
  }

  /** What was under way is of no use. */
  #askSnapshot(error: AlcoveError): void {
    const { runtime, room } = this.#options;
    runtime.log.info('a snapshot is asked for anew', { room: room.name, code: error.code, message: error.message });
    this.#queue.end();
    this.#dropNext();
    this.#hydration.cancel();
    this.#start.expect(false);
    this.#head.doubt();
    if (!this.#tries.failed()) return this.#options.breakOff(error);
    this.#options.send({ type: 'hydrate', snapshots: this.snapshots });
  }

  lost(): void {
    this.#queue.end();
    this.#hydration.lost();
    this.#start.expect(false);
  }

  get hasWork(): boolean {
    return !this.#queue.isEmpty || this.#hydration.hasWork;
  }

  /** One turn: what arrived is rebased at once. */
  rebase(): void {
    if (this.#next !== null) this.#catchUp(this.#next);
    // Commits that come while a snapshot is put together follow on it, not on what is shown.
    else if (this.#shown !== null && !this.#hydration.isActive) this.#rebaseShown(this.#shown);
  }

  /** One piece of a snapshot's way into its database. */
  hydrate(): void {
    this.#hydration.step();
  }

  get hasHydrationWork(): boolean {
    return this.#hydration.hasWork;
  }

  #rebaseShown(shown: Replica): void {
    const { outbox, siblings } = this.#options;
    const commits = this.#queue.take();
    const version = commits.at(-1)?.to ?? shown.position.version;
    const settled = outbox.settle(version);
    const ended = siblings.settle({ historyId: shown.position.historyId, version });
    if (commits.length === 0 && settled.length === 0 && ended.length === 0) return;
    const names = new Set([...settled.map(({ mutation }) => nameOf(mutation)), ...ended.map(nameOf)]);
    try {
      const changes = shown.rebase(commits, (mutation) => names.has(nameOf(mutation)));
      this.#head.proved(commits.at(-1)?.to ?? 0);
      this.#tries.applied();
      this.#options.onChanges(changes);
      this.#options.onSettled(settled);
      this.#options.onProgress(shown.position, commits, settled);
    } catch (cause) {
      this.#unshownSettled.push(...settled);
      this.#cannotApply(cause);
    }
  }

  #catchUp(next: NextReplica): void {
    try {
      const commits = this.#queue.take();
      next.catchUp(commits);
      this.#head.proved(commits.at(-1)?.to ?? 0);
    } catch (cause) {
      return this.#cannotApply(cause);
    }
    if (!this.#start.isAwaited && next.isNewEnough) this.#show(next);
  }

  #cannotApply(cause: unknown): void {
    const error = AlcoveError.from(cause);
    this.#options.runtime.log.error('a commit could not be applied', {
      room: this.#options.room.name,
      code: error.code,
      message: error.message,
    });
    this.#askSnapshot(new AlcoveError('snapshot_failed', `a commit could not be applied: ${error.message}`, { cause }));
  }

  #show({ replica, commits, isUnheard }: NextReplica): void {
    const { outbox, siblings } = this.#options;
    siblings.settle(replica.position);
    const settled = [...this.#unshownSettled, ...outbox.settle(replica.position.version)];
    this.#unshownSettled = [];
    const before = this.#shown;
    this.#forks.shows(this.position, isUnheard);
    this.#shown = replica;
    this.#next = null;
    this.#tries.shown();
    replica.user = this.#user;
    replica.adopt([...siblings.pending(), ...outbox.pending()]);
    this.#options.onShown(replica.database);
    before?.close();
    this.#options.onSettled(settled);
    this.#options.onProgress(replica.position, commits, settled);
  }

  #dropNext(): void {
    this.#next?.replica.close();
    this.#next = null;
  }

  close(): void {
    this.#hydration.cancel();
    this.#dropNext();
    this.#shown?.close();
    this.#shown = null;
  }
}

const nameOf = ({ clientId, mutationId }: Mutation): string => `${clientId} ${mutationId}`;
