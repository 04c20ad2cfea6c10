import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Database } from '@alcove/core/sqlite/database';
import { mintedAs } from '../outbox/client-names.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import { RestoreReplica } from '../replica/restore-replica.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import { firstGroupId } from './engine-hello.ts';
import type { SessionFacts } from './engine-status.ts';
import type { EngineClient, SyncEngineOptions } from './engine-interface.ts';
import { Adoption } from './adoption.ts';
import { type EngineStorage, rejectionKey } from './engine-storage.ts';
import { ImageKeeper } from './image-keeper.ts';
import type { LeftClient } from './join-names.ts';
import type { MutationFlow } from './mutation-flow.ts';
import type { NoticeBatch } from './notice-batch.ts';
import type { ReplicaFlow } from './replica-flow.ts';
import { storedSchemaOf } from '../storage/stored-schema.ts';
import type { KnownClient, StoredReplica } from '../storage/storage.ts';
import { StorageFlow } from './storage-flow.ts';
import { TakenOver } from './taken-over.ts';
import type { WorkTurns } from './work-turns.ts';

export interface KeptRoomOptions {
  readonly engine: SyncEngineOptions;
  readonly run: RunOptions;
  readonly mutations: Pick<MutationFlow, 'outbox'>;
  readonly siblings: SiblingMutations;
  readonly notices: NoticeBatch;
  /** Looked up when it is needed: each needs the other. */
  replica(): ReplicaFlow;
  readonly turns: Pick<WorkTurns, 'wish' | 'during' | 'isRunning'>;
  readonly facts: Pick<SessionFacts, 'groupId'>;
  /** Makes them this tab's to push, all or none; gives those that are new. What is shown stays as it is. @throws AlcoveError `outbox_full` */
  takeOver(clients: readonly EngineClient[], mutations: readonly Mutation[]): readonly Mutation[];
}

/** Longest time that the room is not asked because the disk has not answered. */
const DISK_WAIT_MS = 3_000;

/** What of an engine survives it: the way to the disk, the images, and how both are gone on from. */
export class KeptRoom {
  readonly flow: StorageFlow;
  readonly images: ImageKeeper;
  readonly #options: KeptRoomOptions;
  readonly #outbox: Outbox;
  readonly #adoption: Adoption;
  readonly #takenOver: TakenOver;
  #isClosed = false;

  /** Null where nothing is to be kept. */
  static of(options: KeptRoomOptions): KeptRoom | null {
    const { storage = null } = options.engine;
    return storage === null ? null : new KeptRoom(options, storage);
  }

  private constructor(options: KeptRoomOptions, storage: EngineStorage) {
    this.#options = options;
    this.#outbox = options.mutations.outbox;
    this.flow = this.#makeFlow(storage);
    this.#adoption = this.#makeAdoption();
    this.#takenOver = new TakenOver({
      outbox: this.#outbox,
      onLate: (client, mutations) => this.#takeLate(client, mutations),
      onDone: (clients) => this.flow.removeLeft(clients),
    });
    this.images = this.#makeImages(storage);
  }

  #makeFlow(storage: EngineStorage): StorageFlow {
    const options = this.#options;
    const { runtime, room, groupId } = options.engine;
    return new StorageFlow({
      ...storage,
      runtime,
      isFrugal: options.engine.isFrugal === true,
      speaksAs: () => this.#speaksAs(),
      hasSpoken: () => options.facts.groupId !== null,
      under: { schemaId: room.model.schemaId, schema: storedSchemaOf(room) },
      groupId,
      outbox: this.#outbox,
      shown: () => options.replica().position ?? options.engine.shown ?? null,
      siblings: options.siblings,
      notices: options.notices,
      wake: () => options.turns.wish(),
      isInTurn: () => options.turns.isRunning,
      show: (mutations) => options.replica().adopt(mutations),
      onSeen: (kept) => this.#takenOver.saw(kept),
      onImageWanted: (reason) => this.images.wanted(reason),
      onLate: (kept) => this.#show(kept),
    });
  }

  #makeImages(storage: EngineStorage): ImageKeeper {
    const { engine, run } = this.#options;
    return new ImageKeeper({
      ...storage,
      runtime: engine.runtime,
      run,
      isFrugal: engine.isFrugal === true,
      openDatabase: (image) => this.#open(image),
      keep: (image) => this.flow.disk.keepImage(image),
      dropLost: (have) => this.flow.disk.dropLost(have),
      kept: () => this.flow.disk.replica(),
      shown: () => this.#options.replica().position,
      isCurrent: () => this.#options.replica().isCurrent,
      renew: () => this.#options.replica().renew(),
    });
  }

  #makeAdoption(): Adoption {
    return new Adoption({
      runtime: this.#options.engine.runtime,
      outbox: this.#outbox,
      left: (clientIds) => this.flow.left(clientIds),
      take: (left) => this.#take(left),
    });
  }

  #speaksAs(): string {
    const { engine, facts } = this.#options;
    return facts.groupId ?? firstGroupId(engine, this.flow.groupId);
  }

  #open(image: Uint8Array | null): Database {
    return this.#options.engine.openDatabase(image);
  }

  /**
   * Shows what is kept. Resolves when that is done or, before it, when a disk that is busy with other tabs has been waited for long enough: what it says then is
   * still taken. Never rejects: whatever it is, the way to the room is open after it.
   */
  restore(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.engine.runtime.setTimer(DISK_WAIT_MS, resolve);
      void this.#restore().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #restore(): Promise<void> {
    try {
      const kept = await this.flow.open();
      if (kept !== null) this.#show(kept);
    } catch (cause) {
      this.#useless(cause);
    }
  }

  #show(kept: StoredReplica): void {
    const { engine, run, replica } = this.#options;
    if (this.#isClosed || engine.isFrugal === true) return;
    try {
      const restore = new RestoreReplica(kept, run, (image) => this.#open(image));
      while (!restore.isDone) restore.step();
      replica().restore(restore);
      if (kept.image.position.schemaId !== engine.room.model.schemaId) this.images.migrated();
    } catch (cause) {
      this.#useless(cause);
    }
  }

  #useless(cause: unknown): void {
    const { runtime, room } = this.#options.engine;
    const { code, message } = AlcoveError.from(cause);
    runtime.log.info('what was kept of the room is of no use', { room: room.name, code, message });
  }

  /** Nobody looks at the page, or somebody does again. */
  hides(isHidden: boolean): void {
    this.flow.isHidden = isHidden;
  }

  /** All but the page's own are such as were taken over, by an earlier engine of this page. */
  speaksFor(clients: readonly EngineClient[], ownClientId: string): void {
    this.#outbox.carried(clients.map(({ clientId }) => clientId));
    this.#takenOver.add(clients.map(({ clientId }) => mintedAs(clientId)).filter((clientId) => clientId !== mintedAs(ownClientId)));
  }

  adoptStored(clientId: string): void {
    this.#adoption.ask(clientId);
  }

  /** The end of a turn. */
  turned(): void {
    this.#adoption.goOn();
    this.images.goOn();
  }

  #take(left: readonly LeftClient[]): void {
    this.#options.turns.during(() => {
      const [pending, idle] = [left.filter(isPending), left.filter((one) => !isPending(one))];
      if (pending.length > 0)
        this.#options.takeOver(
          pending.map(({ client }) => client),
          pending.flatMap(({ mutations }) => mutations),
        );
      // From here on nothing fails: they are this tab's, as they were shown.
      const taken = new Map(
        left.flatMap(({ client, older }) => [client, ...older]).map(({ clientId, confirmed }) => [clientId, confirmed]),
      );
      for (const [clientId, confirmed] of taken) this.#options.siblings.take(clientId, confirmed);
      this.#showAsOwn(({ clientId, mutationId }) => mutationId > (taken.get(clientId) ?? Number.POSITIVE_INFINITY));
      for (const { client, unstored, older } of left)
        if (older.length > 0) this.flow.goesOnAs([client.clientId], older);
        else for (const mutation of unstored) this.flow.called(mutation);
      this.flow.removeLeft(idle.map(({ client }) => client));
      for (const { client, mutations } of left) this.#options.notices.add({ type: 'adopted', ...client, mutations });
      this.#takenOver.add([...taken.keys()].map(mintedAs));
      this.#options.turns.wish();
    });
  }

  /** More of a client that was taken over; under the name that it goes by now. */
  #takeLate({ clientId, lastMutationId }: KnownClient, late: readonly Mutation[]): void {
    const current = this.#outbox.currentClientId(clientId);
    const why = this.#outbox.stoppedBy(current);
    if (why !== null) {
      this.flow.rejections.unheard(late.map(rejectionKey));
      return this.flow.dropped(clientId, late, why, []);
    }
    this.#options.turns.during(() => {
      const mutations = this.#options.takeOver([], late);
      this.#options.replica().adopt(mutations);
      if (current !== clientId) {
        for (const mutation of mutations) this.flow.called(mutation);
        this.flow.removeLeft([{ clientId, lastMutationId }]);
      }
      const counters = this.#outbox.counters(current);
      if (counters !== null) this.#options.notices.add({ type: 'adopted', clientId: current, ...counters, mutations });
      this.#options.turns.wish();
    });
  }

  /** They are shown already as another tab's. Only where something is missing, or stands in another order than it is pushed in, they are undone and run again. */
  #showAsOwn(isTaken: (mutation: Mutation) => boolean): void {
    const replica = this.#options.replica();
    const own = this.#outbox.pending();
    const names = new Set(own.map(rejectionKey));
    const shown = replica.pending.filter((mutation) => names.has(rejectionKey(mutation)) || isTaken(mutation));
    if (shown.length === own.length && own.every((mutation, at) => rejectionKey(mutation) === rejectionKey(shown[at] ?? mutation))) return;
    replica.drop(isTaken);
    replica.adopt(own.filter(isTaken));
  }

  close(): void {
    this.#isClosed = true;
    this.#adoption.close();
    this.images.close();
    this.flow.close();
  }
}

const isPending = ({ client }: LeftClient): boolean => client.lastMutationId > client.confirmed;
