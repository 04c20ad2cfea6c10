import { AlcoveError, type ErrorBody } from '@alcove/core/error';
import { backoffMs } from '@alcove/core/retry/backoff';
import type { Timer } from '@alcove/core/runtime/runtime';
import { FullDisk } from './full-disk.ts';
import { loadOrClose } from './load-or-close.ts';
import type { PersistenceOptions, PersistenceState } from './persistence-options.ts';
import { AT_ONCE, NO_PATIENCE, type Work, WriteQueue } from './write-queue.ts';
import type {
  Advanced,
  Enqueued,
  FoundRejections,
  ImageReason,
  KnownClient,
  RoomState,
  RoomStorage,
  StoredClient,
  StoredCommit,
  StoredImage,
  StoredMutation,
  StoredOutbox,
  StoredRejection,
  StoredReplica,
  StoredRoom,
} from './storage.ts';

/** A tail below it is never worth an image. */
const TAIL_BYTES_MIN = 1024 * 1024;
const REASONS: Readonly<Record<Advanced['tail'], ImageReason>> = { appended: 'tail', gap: 'gap', other: 'gap', fork: 'fork' };
const RETRY = { baseMs: 500, maxMs: 30_000 };

/**
 * Keeps a room in the browser's storage, one transaction at a time, what the user did before what can be fetched again. Nothing waits for it but the promise
 * that a mutation is saved; what fails is tried again with growing pauses, while work goes on in memory.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  readonly #queue = new WriteQueue();
  readonly #full = new FullDisk();
  #room: RoomStorage | null = null;
  #groupId: string | null = null;
  #isWriting = false;
  /** Nothing waits until all is written. */
  #isHurried = false;
  /** The next look at what is due, and for when it is set. */
  #due: Timer | null = null;
  #dueMs = 0;
  #failures = 0;
  #retry: Timer | null = null;
  #error: ErrorBody | null = null;
  #isOpening = true;
  /** It was there once in this tab's life. */
  #wasOpened = false;
  #isOff = false;
  #isClosed = false;
  #told: PersistenceState | null = null;

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  /** What is kept; null where there is no storage to be had: work goes on in memory, and it is tried again. Never rejects. */
  async open(): Promise<StoredRoom | null> {
    const stored = await this.#openRoom();
    this.#isOpening = false;
    this.#groupId = stored?.groupId ?? null;
    this.#tell();
    this.#pump();
    return stored;
  }

  async #openRoom(): Promise<StoredRoom | null> {
    // What a tab shows it has in memory; a disk that answers late is read whole like one that answers at once.
    const what = this.#wasOpened || this.#options.isFrugal === true ? 'outbox' : 'all';
    try {
      const room = await this.#options.storage.open(this.#options.place, this.#groupId ?? this.#options.groupId);
      if (this.#isClosed) {
        room.close();
        return null;
      }
      const stored = await loadOrClose(room, what);
      if (this.#isClosed) {
        room.close();
        return null;
      }
      this.#room = room;
      this.#wasOpened = true;
      room.onEnded((error) => this.#ended(room, error));
      this.#failures = 0;
      this.#error = null;
      return stored;
    } catch (error) {
      this.#failed(AlcoveError.from(error, 'storage_failed'));
      return null;
    }
  }

  get state(): PersistenceState {
    const unsaved = this.#queue.unsaved;
    const status = this.#isOff
      ? 'off'
      : this.#isOpening
        ? 'opening'
        : this.#error !== null
          ? 'failing'
          : this.#queue.isEmpty
            ? 'saved'
            : 'saving';
    return { status, error: this.#error, unsaved };
  }

  /** A mutation was called, or one that was pending goes by this name now (`at once`). */
  enqueue(client: StoredClient, mutation: StoredMutation, when?: 'at once'): void {
    this.#add((nowMs) => this.#queue.enqueue(client, mutation, when === undefined ? nowMs : AT_ONCE));
  }

  /** The confirmed state moved on, and with it clients and what is known to be rejected. */
  advance(
    historyId: string,
    commits: readonly StoredCommit[],
    clients: readonly StoredClient[],
    rejections: readonly StoredRejection[],
  ): void {
    // What was rejected is told already, and nobody but this disk remembers it for the user.
    this.#add((nowMs) => this.#queue.advance({ historyId, commits, clients, rejections }, rejections.length > 0 ? AT_ONCE : nowMs));
  }

  /** An image to keep, unless the disk was too full for it just now; it takes the place of one that is not written yet. */
  keepImage(image: StoredImage): void {
    if (!this.#full.mayFit(image.bytes.length, this.#options.runtime.monotonicMs())) return;
    this.#add((nowMs) => this.#queue.keepImage(image, nowMs));
  }

  /** What is kept, or waits to be, may hold an end that the room has lost. */
  dropLost(have: RoomState): void {
    this.#add(() => this.#queue.dropLost(have, AT_ONCE)); // the next page would show it again
  }

  /** What was pending of the removed clients goes by other names. */
  rename(added: readonly Enqueued[], removed: readonly KnownClient[]): void {
    this.#add(() => this.#queue.rename(added, removed));
  }

  removeClients(clients: readonly KnownClient[]): void {
    this.#add((nowMs) => this.#queue.removeClients(clients, nowMs));
  }

  dismiss(keys: readonly string[]): void {
    this.#add(() => this.#queue.dismiss(keys, AT_ONCE)); // a tab that is loaded next is to find them gone, too
  }

  /** What other tabs have pending by now, of these clients or of all; null where that cannot be known. */
  outbox(clientIds?: readonly string[]): Promise<StoredOutbox | null> {
    return this.#look((room) => room.outbox(clientIds));
  }

  /** What was put aside by now; null as above. */
  rejections(known: ReadonlySet<string>): Promise<FoundRejections | null> {
    return this.#look((room) => room.rejections(known));
  }

  /** Image and tail as they are kept by now; null where there are none, or none that can be read. */
  async replica(): Promise<StoredReplica | null> {
    return (await this.#look((room) => room.load('replica')))?.replica ?? null;
  }

  async #look<Found>(read: (room: RoomStorage) => Promise<Found>): Promise<Found | null> {
    try {
      return this.#room === null ? null : await read(this.#room);
    } catch {
      return null; // a write that fails tells
    }
  }

  /** Writes all that waits, one after the other: nobody can tell whether there will be time later. */
  hurry(): void {
    this.#isHurried = true;
    this.#pump();
  }

  /** What waits is begun, an image aside, and ends without anybody to hear of it. Where there is no storage it is lost: to be said before. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#beginAll();
    this.#retry?.cancel();
    this.#due?.cancel();
    this.#room?.close();
    this.#room = null;
  }

  /** What waits is not to be kept by anybody. As `close`. */
  forget(): void {
    this.#queue.clear();
    this.close();
  }

  #add(add: (nowMs: number) => void): void {
    if (this.#isClosed || this.#isOff) return;
    add(this.#options.runtime.monotonicMs());
    this.#tell();
    this.#pumpWhenDue();
  }

  /** Never in the caller's turn: the page and the room come before the disk. */
  #pumpWhenDue(): void {
    const { runtime } = this.#options;
    const dueMs = this.#queue.dueMs(this.#options.patience());
    if (dueMs === null || this.#isWriting || this.#isClosed) return;
    const delayMs = Math.max(0, dueMs - runtime.monotonicMs());
    if (this.#due !== null && this.#dueMs <= dueMs) return;
    this.#due?.cancel();
    this.#dueMs = dueMs;
    this.#due = runtime.setTimer(delayMs, () => {
      this.#due = null;
      this.#pump();
    });
  }

  #pump(): void {
    const room = this.#room;
    if (room === null || this.#isWriting || this.#isClosed || this.#retry !== null) return;
    const work = this.#queue.next(this.#options.runtime.monotonicMs(), this.#isHurried ? NO_PATIENCE : this.#options.patience());
    if (work === null) {
      this.#isHurried = false;
      // What did not fit and can be fetched again is given up: all else is kept.
      if (this.#queue.isEmpty) this.#error = null;
      this.#tell();
      return this.#pumpWhenDue();
    }
    this.#isWriting = true;
    this.#perform(room, work).then(
      () => {
        this.#isWriting = false;
        this.#failures = 0;
        this.#error = null;
        this.#queue.done();
        this.#written(work);
        this.#tell();
        this.#pump();
      },
      (error: unknown) => {
        this.#isWriting = false;
        this.#queue.failed(work);
        this.#failed(AlcoveError.from(error, 'storage_failed'), work);
      },
    );
  }

  #written(work: Work): void {
    for (const { client, mutations } of addedBy(work))
      this.#options.onStored(
        client.clientId,
        mutations.map(({ mutationId }) => mutationId),
      );
    if (work.type === 'advance') this.#options.onAdvanced(work.advance);
    if (work.type === 'dismiss') this.#options.onDismissed();
  }

  #beginAll(): void {
    const room = this.#room;
    if (room === null || this.#retry !== null) return;
    const nowMs = Number.POSITIVE_INFINITY;
    for (let work = this.#queue.next(nowMs, NO_PATIENCE); work !== null; work = this.#queue.next(nowMs, NO_PATIENCE))
      if (work.type !== 'image') this.#perform(room, work).catch(() => undefined); // the next tab finds what is missing
  }

  async #perform(room: RoomStorage, work: Work): Promise<void> {
    switch (work.type) {
      case 'enqueue':
        return room.enqueue(work.client, work.mutations, this.#options.under);
      case 'rename':
        return room.rename(work.added, work.removed, this.#options.under);
      case 'remove':
        return room.removeClients(work.clients);
      case 'dismiss':
        return room.dismiss(work.keys);
      case 'drop':
        return room.dropLost(work.have);
      case 'image':
        // Superseded: another tab's is newer, or is being written.
        await room.writeImage(work.image, await room.becomeImager());
        return;
      case 'advance': {
        const { tail, tailBytes, imageBytes } = await room.advance(work.advance, work.removed);
        const mayWant = !this.#isClosed && work.advance.commits.length > 0 && this.#full.hasRoom(this.#options.runtime.monotonicMs());
        const isCostly = tailBytes > Math.max(this.#options.tailBytesMin ?? TAIL_BYTES_MIN, imageBytes / 2);
        if (mayWant && (tail !== 'appended' || isCostly)) this.#options.onImageWanted(REASONS[tail]);
        return;
      }
    }
  }

  /** Full: what can be fetched again makes room for what cannot. */
  #failed(error: AlcoveError, work?: Work): void {
    if (this.#isClosed) return;
    this.#error = error.toBody();
    this.#failures += 1;
    if (error.code === 'update_needed' || error.code === 'storage_unavailable') return this.#turnOff();
    if (error.code === 'closed') return this.#forgotten();
    if (error.code === 'storage_full' && work !== undefined) this.#makeRoom(work);
    const { runtime } = this.#options;
    const delayMs = backoffMs(this.#failures, runtime.random(), error.retryAfterMs, RETRY);
    this.#retry?.cancel();
    this.#retry = runtime.setTimer(delayMs, () => {
      this.#retry = null;
      if (this.#room === null) void this.#reopen();
      else this.#pump();
    });
    this.#tell();
  }

  #makeRoom(work: Work): void {
    this.#full.refused(work.type === 'image' ? work.image.bytes.length : 0, this.#options.runtime.monotonicMs());
    this.#queue.dropImage();
    if (work.type === 'image') return;
    this.#queue.dropCommits();
    this.#room?.dropReplica().catch(() => undefined); // the write that follows tells
  }

  #turnOff(): void {
    this.#isOff = true;
    this.#queue.clear();
    this.#room?.close();
    this.#room = null;
    this.#tell();
  }

  #forgotten(): void {
    this.forget();
    this.#options.onForgotten();
  }

  #ended(room: RoomStorage, error: ErrorBody): void {
    if (this.#room !== room) return;
    this.#room = null;
    room.close();
    this.#failed(AlcoveError.fromBody(error));
  }

  async #reopen(): Promise<void> {
    const isFirst = !this.#wasOpened;
    const stored = await this.#openRoom();
    if (stored === null) return;
    this.#groupId = stored.groupId;
    // Another tab may have begun it anew before this one: whether it was emptied cannot be known.
    this.#queue.clearMutations();
    this.#options.onReopened(stored, isFirst);
    this.#tell();
    this.#pump();
  }

  #tell(): void {
    const state = this.state;
    const told = this.#told;
    if (told !== null && told.status === state.status && told.unsaved === state.unsaved && told.error === state.error) return;
    this.#told = state;
    this.#options.onState(state);
  }
}

const addedBy = (work: Work): readonly Enqueued[] => (work.type === 'enqueue' ? [work] : work.type === 'rename' ? work.added : []);
