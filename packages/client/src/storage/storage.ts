import type { ErrorBody } from '@alcove/core/error';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { AppliedMigration } from '@alcove/core/schema/migrations';
import type { CommitMessage } from '@alcove/core/protocol/server-message';

/**
 * Where tabs keep what has to survive them: one browser's disk, or a fake of it. Everything a room keeps is one unit that can be opened, read whole, written in
 * small pieces and removed. All tabs of the browser share it; whatever must hold between them is checked inside one transaction of the platform.
 */
export interface Storage {
  /**
   * Opens what is kept under `place`, or begins it, as `groupId` where it is given: a tab under which it was emptied goes on as the client group that the room
   * knows its clients by.
   * @throws AlcoveError `storage_failed` where it is refused or not answered in time; `update_needed` where a newer build of this library wrote it;
   *   `storage_unavailable` where the platform has no such thing; `closed` where
   *   what was kept as `groupId` was removed by `remove`: whoever kept it there keeps nothing any more.
   */
  open(place: StoragePlace, groupId?: string): Promise<RoomStorage>;
  /**
   * Removes all that is kept under `place`, for good: tabs that have it open are told (`onEnded`), and none of them begins it anew. Called again where it failed.
   * @throws AlcoveError `storage_failed`, `storage_full`
   */
  remove(place: StoragePlace): Promise<void>;
}

/** Names one user's share of one room: what another user, server or room keeps is out of reach. */
export interface StoragePlace {
  /** Address of the server as the client was given it. */
  readonly server: string;
  /** The app's name of the user; null: nobody is signed in. */
  readonly user: string | null;
  readonly roomName: string;
  readonly roomId: string;
}

/** Mutations of one client. */
export interface Enqueued {
  readonly client: StoredClient;
  readonly mutations: readonly StoredMutation[];
}

/**
 * One room's share, open. Each method is one transaction of the platform (an image: one a chunk); one that rejects has changed nothing.
 *
 * ```
 * open → load → (enqueue | advance | … in any order, from any number of tabs) → close
 * ```
 *
 * All of them reject with `storage_full` where there is no space, else with `storage_failed`.
 */
export interface RoomStorage {
  /**
   * All of it, each piece checked; what is not wanted is left empty (the replica null). What is damaged is left out, removed, and named in
   * `damage`; nothing throws over it.
   */
  load(what?: LoadedParts): Promise<StoredRoom>;
  /**
   * Only the pending mutations and their clients, all or some: for a look at what other tabs wrote. Costs what is asked for. Where some are asked for, also which of
   * those were removed.
   */
  outbox(clientIds?: readonly string[]): Promise<StoredOutbox>;
  /**
   * Strict: when it resolves the mutations are on the disk, and what they were called under. What is kept as confirmed of the client stays as it is. `under`: what
   * their `schemaId` stands for; absent: it is not known.
   */
  enqueue(client: StoredClient, mutations: readonly StoredMutation[], under?: NamedSchema): Promise<void>;
  /**
   * Strict where something was rejected or removed; else relaxed: in a crash of the machine the last ones may be missing, as if they had never been made. `removed`: as
   * `removeClients`, together with the rest or not at all.
   */
  advance(advance: Advance, removed?: readonly KnownClient[]): Promise<Advanced>;
  /**
   * Removes clients with all that is pending of them, up to what the caller knows of: what another tab wrote for one since stays, and is pending. Of the last 250 that
   * were removed, or renamed, the names are remembered. Strict.
   */
  removeClients(clients: readonly KnownClient[]): Promise<void>;
  /** What was pending of the removed clients goes by other names from now on: both or neither. Strict. */
  rename(added: readonly Enqueued[], removed: readonly KnownClient[], under?: NamedSchema): Promise<void>;
  /** Names of all rejections, and those of them whole that are not `known`. Costs what is new. */
  rejections(known: ReadonlySet<string>): Promise<FoundRejections>;
  /** Forgets rejections. */
  dismiss(keys: readonly string[]): Promise<void>;

  /** Becomes the one that images: the imager before is superseded with its next chunk. Resolves with the number that says so. */
  becomeImager(): Promise<number>;
  /**
   * Writes a whole image beside the one that is there and switches over in the transaction that trims the tail. Before it, readers find the image before; a
   * writer that dies half-way leaves that one. `imager`: a number of `becomeImager`.
   * Resolves with `superseded` where another imager came, where what is kept already is of the same history and newer, or where a newer build of the app wrote it.
   */
  writeImage(image: StoredImage, imager: number): Promise<'written' | 'superseded'>;
  /** Throws image and tail away; the outbox stays. */
  dropReplica(): Promise<void>;
  /**
   * The room has lost an end of its history and is now as `have` says: image and tail go, but for an image, or a beginning of the tail, that leads to that very
   * state. What a newer build of the app wrote stays.
   */
  dropLost(have: RoomState): Promise<void>;

  /** Once: the platform closed it under us (deleted, cleared, lost, a newer build wants in). Every later call rejects. */
  onEnded(listener: (error: ErrorBody) => void): void;
  /** Idempotent. What is under way ends. */
  close(): void;
}

/** A state of the room, in its own words, and which tables it has. */
export interface StoredPosition {
  readonly historyId: string;
  readonly version: number;
  readonly hash: string;
  readonly view: string;
  readonly schemaId: string;
}

/** A state, and who knows it. */
export interface RoomState {
  readonly position: StoredPosition;
  /** The schema of the build; absent: it is not known. */
  readonly schema?: StoredSchema;
}

/** `schema`: what it was written under, for builds of another one. */
export interface StoredImage extends RoomState {
  /** A SQLite file that holds the room at `position`. */
  readonly bytes: Uint8Array;
  /** Lower-case hex of their SHA-256. */
  readonly sha256: string;
  /** It was made of what was kept, brought to another schema: of no use where that is not there any more as it was. Not kept with it. */
  readonly madeOf?: MadeOf;
}

export interface MadeOf {
  /** Of the image. */
  readonly position: StoredPosition;
  /** Reached by the tail. */
  readonly version: number;
}

/** What follows on an image: the range (from, to] of its history, as the change stream had it. */
export interface StoredCommit extends Pick<CommitMessage, 'from' | 'to' | 'schema' | 'hash' | 'changes'> {
  /** The hash at `from`; absent: it is not known. Looked at where it is appended, and not kept with it. */
  readonly onto?: string;
  /** Of the reader it was made for; absent: of whoever what is kept is for. As `onto`. */
  readonly view?: string;
}

/** `SchemaVersion`, its model as text. */
export interface StoredSchema {
  readonly model: string;
  readonly migrations: readonly AppliedMigration[];
}

/** What a mutation's `schemaId` stands for. */
export interface NamedSchema {
  readonly schemaId: string;
  readonly schema: StoredSchema;
}

export interface StoredReplica {
  readonly image: StoredImage;
  /** In order; each follows on what is before it. */
  readonly tail: readonly StoredCommit[];
  /** As stored: what the tail costs. */
  readonly tailBytes: number;
}

/** One page load's counters. */
export interface StoredClient {
  readonly clientId: string;
  /** Highest mutationId ever minted. */
  readonly lastMutationId: number;
  /** Highest mutationId whose fate is known, and with which version of which history it shows; null: none yet. */
  readonly confirmed: number;
  readonly confirmedAt: { readonly historyId: string; readonly version: number } | null;
  /** Version of the first welcome this client had; null: none. */
  readonly welcomed: number | null;
  /** Client group that its page speaks to the room as, and so whoever takes it over; null or absent: it has not spoken yet. */
  readonly groupId?: string | null;
  /** Wall time of its last write, in ms. */
  readonly seenAtMs: number;
}

/** One that was removed: what is heard of it up to `lastMutationId` has ended. */
export type GoneClient = Pick<StoredClient, 'clientId' | 'lastMutationId' | 'confirmedAt'>;

/** How far somebody knows of a client. */
export type KnownClient = Pick<StoredClient, 'clientId' | 'lastMutationId'>;

export interface StoredMutation extends Mutation {
  /** Which build's mutators it was called with. */
  readonly schemaId: string;
}

export interface StoredRejection {
  /** `clientId mutationId`. */
  readonly key: string;
  readonly mutation: StoredMutation;
  readonly error: ErrorBody;
  readonly atMs: number;
}

export interface FoundRejections {
  readonly keys: readonly string[];
  /** Damaged ones are left out. */
  readonly fresh: readonly StoredRejection[];
}

export interface StoredOutbox {
  readonly clients: readonly StoredClient[];
  /** Of each client in order of mutationIds; the clients in order of their oldest one. */
  readonly mutations: readonly StoredMutation[];
  /** Of schemas that mutations were called under, those that are known; absent: none. */
  readonly schemas?: readonly NamedSchema[];
  /** Those of the clients asked for that were removed and are not there again; absent: none. */
  readonly gone?: readonly GoneClient[];
}

/** `outbox`: with the rejections. `replica`: image and tail. What is damaged of the rest stays to be found. */
export type LoadedParts = 'all' | 'outbox' | 'replica';

export interface StoredRoom extends StoredOutbox {
  /** The client group of all tabs of this place: as it was begun. */
  readonly groupId: string;
  /** Whether `open` began it just now. */
  readonly isNew: boolean;
  readonly replica: StoredReplica | null;
  /** In order of time, the newest 1,000. */
  readonly rejections: readonly StoredRejection[];
  readonly damage: readonly StorageDamage[];
}

/** What was found damaged and is gone: told once. `outbox`: ids of a client that were minted are not all there. */
export interface StorageDamage {
  readonly what: 'image' | 'tail' | 'outbox' | 'rejection';
  readonly detail: string;
}

/** One turn's progress: commits for the tail and what they settled, together or not at all. */
export interface Advance {
  readonly historyId: string;
  readonly commits: readonly StoredCommit[];
  /** Counters of clients that moved on; their pending mutations up to `confirmed` go. */
  readonly clients: readonly StoredClient[];
  /** Kept until they are dismissed, or 1,000 newer ones are there. */
  readonly rejections: readonly StoredRejection[];
}

/**
 * What became of the commits (the clients are written in any case). `appended`: the tail reaches to the last of them, by this call or another tab's. `gap`: it
 * does not reach to the first. `other`: no image of this history and schema is kept. `fork`: what is kept has another hash where they begin or end: one of the two
 * is of an end that the room has lost.
 */
export interface Advanced {
  readonly tail: 'appended' | 'gap' | 'other' | 'fork';
  readonly tailBytes: number;
  readonly imageBytes: number;
}

/**
 * Why an image is wanted. `gap`: what is kept does not go on to what is shown. `fork`: nor may it, for one of the two is of an end that the room has lost. `tail`:
 * it costs too much, or may be gone.
 */
export type ImageReason = 'gap' | 'fork' | 'tail';
