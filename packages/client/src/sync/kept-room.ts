import { AlcoveError } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Database } from '@alcove/core/sqlite/database';
import type { Outbox } from '../outbox/outbox.ts';
import type { RunOptions } from '../replica/optimistic-run.ts';
import { RestoreReplica } from '../replica/restore-replica.ts';
import type { SiblingMutations } from '../tabs/sibling-mutations.ts';
import type { EngineClient, SyncEngineOptions } from './engine-interface.ts';
import { ImageKeeper } from './image-keeper.ts';
import type { MutationFlow } from './mutation-flow.ts';
import type { NoticeBatch } from './notice-batch.ts';
import type { ReplicaFlow } from './replica-flow.ts';
import { StorageFlow } from './storage-flow.ts';

export interface KeptRoomOptions {
  readonly engine: SyncEngineOptions;
  readonly run: RunOptions;
  readonly mutations: Pick<MutationFlow, 'outbox'>;
  readonly siblings: SiblingMutations;
  readonly notices: NoticeBatch;
  /** Looked up when it is needed: each needs the other. */
  replica(): ReplicaFlow;
  wake(): void;
  /** Takes over mutations as the engine does. */
  adopt(client: EngineClient, mutations: readonly Mutation[]): void;
}

/** What of an engine survives it: the way to the disk, the images, and how both are gone on from. */
export class KeptRoom {
  readonly flow: StorageFlow;
  readonly images: ImageKeeper;
  readonly #options: KeptRoomOptions;
  readonly #outbox: Outbox;
  /** Looked up on the disk just now. */
  readonly #adopting = new Set<string>();
  #isClosed = false;

  /** Null where nothing is to be kept. */
  static of(options: KeptRoomOptions): KeptRoom | null {
    const { storage = null } = options.engine;
    return storage === null ? null : new KeptRoom(options, storage);
  }

  private constructor(options: KeptRoomOptions, storage: NonNullable<SyncEngineOptions['storage']>) {
    this.#options = options;
    this.#outbox = options.mutations.outbox;
    const { runtime, room, groupId } = options.engine;
    this.flow = new StorageFlow({
      ...storage,
      runtime,
      schemaId: room.model.schemaId,
      groupId,
      outbox: this.#outbox,
      siblings: options.siblings,
      notices: options.notices,
      wake: () => options.wake(),
      show: (mutations) => options.replica().adopt(mutations),
      onImageWanted: () => this.images.wanted(),
    });
    this.images = new ImageKeeper({
      ...storage,
      runtime,
      run: options.run,
      isFrugal: options.engine.isFrugal === true,
      openDatabase: (image) => this.#open(image),
      keep: (image) => this.flow.keepImage(image),
      kept: () => this.flow.replica(),
      renew: () => options.replica().renew(),
    });
  }

  #open(image: Uint8Array | null): Database {
    return this.#options.engine.openDatabase(image);
  }

  /** Shows what is kept. Never rejects: whatever it is, the way to the room is open after it. */
  async restore(): Promise<void> {
    const { engine, run, replica } = this.#options;
    try {
      const kept = await this.flow.open();
      if (kept === null || this.#isClosed || engine.isFrugal === true) return;
      const restore = new RestoreReplica(kept, run, (image) => this.#open(image));
      while (!restore.isDone) restore.step();
      replica().restore(restore);
    } catch (cause) {
      const { code, message } = AlcoveError.from(cause);
      engine.runtime.log.info('what was kept of the room is of no use', { room: engine.room.name, code, message });
    }
  }

  adoptStored(clientId: string): void {
    if (this.#isClosed || this.#outbox.has(clientId) || this.#adopting.has(clientId)) return;
    this.#adopting.add(clientId);
    void this.flow.adopt(clientId).then((adopted) => {
      this.#adopting.delete(clientId);
      if (adopted !== null && !this.#isClosed) this.#adopt(adopted.client, adopted.mutations);
    });
  }

  #adopt(client: EngineClient, mutations: readonly Mutation[]): void {
    const { adopt, notices, replica, wake } = this.#options;
    // Those that were shown as another tab's are shown again as this one's.
    replica().drop((mutation) => mutation.clientId === client.clientId);
    if (client.lastMutationId > client.confirmed) adopt(client, mutations);
    notices.add({ type: 'adopted', ...client, mutations });
    wake();
  }

  close(): void {
    this.#isClosed = true;
    this.images.close();
    this.flow.close();
  }
}
