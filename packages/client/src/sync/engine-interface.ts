import type { ErrorBody } from '@alcove/core/error';
import type { Json } from '@alcove/core/json';
import type { Mutation } from '@alcove/core/mutation/mutation';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database, Row } from '@alcove/core/sqlite/database';
import type { OpenSocket } from '../connection/socket.ts';
import type { MutationName } from '../outbox/client-names.ts';
import type { Attempt } from '../outbox/outbox-client.ts';
import type { CounterTotals } from '../presence/own-value.ts';
import type { RowsUpdate } from '../query/rows-patch.ts';
import type { PersistenceState } from '../storage/persistence-options.ts';
import type { EngineLimits } from './engine-limits.ts';
import type { EngineStorage, StorageNotice, ToldRejection } from './engine-storage.ts';
import type { EngineRead, ServerRows } from './server-read.ts';

/**
 * The engine of one room in one tab: socket, outbox, replica and live queries joined. It runs in the worker, in Node and in the simulator, touches
 * no DOM and owns no timer but Runtime's. Calls are synchronous; what happens later is told in batches through `onNotices`.
 *
 * ```
 * createSyncEngine(options) → start() → mutate / watch / set… in any order → leave() or close()
 * ```
 */
export interface SyncEngine {
  /**
   * Reads what is kept, connects, and connects again after a fatal error (`failed`). Queries and mutations may come before it. `connect` false: the connection is ended,
   * or not begun, until it is called with true.
   */
  start(connect?: boolean): void;
  /**
   * Enqueues a mutation and runs it on the replica; mutationIds of a client come in order 1, 2, 3 …. `known`: it is already pending or settled, nothing is
   * done. `deferred`: there is no replica yet, it takes effect once there is one.
   * @throws AlcoveError where the run fails: the mutation is not enqueued, and its id may be used again or left out. `outbox_full`, `closed`; `client_unknown`
   *   or `unknown_outcome` once the client was stopped.
   */
  mutate(mutation: Mutation): 'ran' | 'deferred' | 'known';
  /**
   * Takes over what an earlier worker or a dead tab left: their counters and pending mutations, each client's in order. A run that throws here keeps its
   * mutation pending: the room decides. Before `start` the first hello names them; later, the connection is opened anew.
   * @throws AlcoveError `outbox_full` past what one connection may speak for.
   */
  adopt(clients: readonly EngineClient[], mutations: readonly Mutation[]): void;
  /**
   * The page has what was told of this client's mutations up to `upTo`. To be said after each rejection: until then the room keeps it, so that an engine that dies
   * with its notices still on their way leaves nothing untold.
   */
  heard(clientId: string, upTo: number): void;
  /** Takes over what is kept of a client whose page load has ended; an `adopted` notice follows, or none where nothing is pending any more. */
  adoptStored(clientId: string): void;
  /** Rejections that an earlier engine told of and is not known to have put aside (`stored`). */
  putAside(rejections: readonly ToldRejection[]): void;
  /** Rejections that were put aside (`restored`, or settled here) are not kept any more; by `rejectionKey`. */
  dismiss(keys: readonly string[]): void;
  /**
   * Forgets the pending mutations of a client that was stopped (`clientStopped`); their effects are undone. Others are left alone. Where they are kept they are put
   * aside as unknown, but for those in `again`, by mutationId: they were adopted under another client before.
   */
  discard(clientId: string, again?: readonly number[]): void;

  /** Starts a live query under an id of the caller's; its first notice comes at once, with rows as soon as there is a replica. */
  watch(queryId: string, query: EngineQuery): void;
  unwatch(queryId: string): void;
  /** Runs a read once, on the first complete replica. Rejects as a live query fails, and with `closed`. */
  runOnce(query: EngineQuery): Promise<QueryRows>;

  /**
   * Reads on the server, under a number of the caller's, never used twice. Waits within `waitMs` for what its `at` asks for, for a session, and out a refusal that says how long it holds; a session
   * that is lost asks it again in the next one. Rejects with the server's code; `connection_lost`, `read_behind` (mutations that were pending at the call still are) past `waitMs`; `query_timeout`,
   * `overloaded` past the limits; at once with the code of a connection that needs somebody's help (`unauthenticated`, `forbidden` …), and with `closed`.
   */
  serverRead(call: number, read: EngineRead): Promise<ServerRows>;
  /** Nobody waits for that one any more: it rejects with `closed`, and the server may end what it runs. */
  endServerRead(call: number): void;

  /** This session's presence; null takes it back. Said again by itself after a reconnect, as are the next two. */
  setPresence(state: Json): void;
  /** Throttled: the last state within `cursorIntervalMs` is sent. */
  setCursor(state: Json): void;
  setEphemeral(name: string, key: string, state: Json): void;

  /** Starts `value` notices for one debounced value, the first at once. */
  watchValue(name: string, key: string): void;
  unwatchValue(name: string, key: string): void;
  /**
   * Shows at once; offered to the room until it is seen written. `change`: a number of the caller's, which comes back in `value` notices, so that one that was on
   * its way already is known to be of before. @throws AlcoveError `value_unknown`, `value_invalid`, `value_too_large`.
   */
  setValue(name: string, key: string, value: Json, change?: number): void;
  /**
   * Goes on with a counter where an earlier engine of the same client was: what it had added in all, and what of that is known to be written. Before anything is
   * added to it here.
   */
  restoreCounter(name: string, key: string, totals: CounterTotals, change: number): void;
  /** Adds to a counter; `change` as in `setValue`. */
  addToCounter(name: string, key: string, delta: number, change?: number): void;
  /** Asks the room to write what is unwritten of this value now; `pending: false` in a `value` notice tells that it is. */
  flushValue(name: string, key: string): void;

  /** Hints of the platform; none decides anything by itself (a heartbeat does). `authChanged`: `token` has something new to say. */
  hint(hint: EngineHint): void;
  status(): EngineStatus;
  /** For inspection: what is shown on top of the room's state, in order; this tab's own and those of its siblings. */
  shownMutations(): readonly Mutation[];
  /** Clean end: own presence and states go at once; a client with nothing pending is freed in the room. Then as `close`. */
  leave(): void;
  /** Ends everything at once; no notice follows. Idempotent. */
  close(): void;
}

/** `hidden`: nobody looks, and the page may end without another word; `visible` ends that. */
export type EngineHint = 'online' | 'offline' | 'visible' | 'hidden' | 'authChanged';

/** SQL text and its parameters: what equal queries share one live query by. */
export interface EngineQuery {
  readonly sql: string;
  readonly params: Row;
}

export interface QueryRows {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** What is known of a client whose mutations this engine pushes: its own, or one adopted. */
export interface EngineClient {
  readonly clientId: string;
  /** Highest mutationId ever minted. */
  readonly lastMutationId: number;
  /** Highest mutationId whose settling was told. */
  readonly confirmed: number;
  /** Version of the first welcome this client had (`EngineStatus.welcomeVersion`); null: none. */
  readonly welcomed: number | null;
}

/** A version of one history, as a page showed it. */
export interface ShownVersion {
  readonly historyId: string;
  readonly version: number;
  /**
   * The newest that the room is known to have had as it was shown, with the history's hash up to there: where the room has another one, it went on without it. Below `version` where an engine
   * has shown what another tab kept, and the room was not heard since.
   */
  readonly known: { readonly version: number; readonly hash: string };
}

/** The room went on under one history without the end of it that was shown, as after a restore of all its files. */
export interface Forked {
  /** How often, for this engine. */
  readonly times: number;
  /** The newest version that was shown before, the last time, by this engine or an earlier one of the page. */
  readonly seenVersion: number;
}

export interface SyncEngineOptions {
  readonly runtime: Runtime;
  readonly room: AnyRoom;
  readonly roomId: string;
  /** Minted per page load; also given in `clients` where it had a life before (a replaced worker). */
  readonly clientId: string;
  readonly groupId: string;
  /** An earlier engine of this page has spoken as this group: this one does, too, whatever is kept. */
  readonly isGroupBound?: boolean;
  /** Counts the engines made for this client, from 1 (the default): what a later one offers is told from what an earlier one did. */
  readonly life?: number;
  /** What an earlier engine of the same page showed last: nothing older of that history is shown again. */
  readonly shown?: ShownVersion | null;
  /**
   * Mutations of whatever tab that held an earlier engine's thread past its budget: never run here again. They are shown without effect until the room, which runs
   * them itself, has decided. Default: none.
   */
  readonly condemned?: readonly MutationName[];
  /** Address of the server, ws: or wss:. */
  readonly url: string;
  /** Asked before every hello. Rejecting counts as a failed attempt to connect. */
  token(): string | null | Promise<string | null>;
  /** A fresh database, or one opened from a SQLite image. Called for every snapshot; the engine closes what it no longer needs. */
  openDatabase(image: Uint8Array | null): Database;
  readonly openSocket: OpenSocket;
  /** Null: this host takes no images, snapshots come as rows. */
  readonly fetchImage: FetchImage | null;
  readonly limits?: Partial<EngineLimits>;
  /**
   * Memory is short: snapshots come as rows, a piece at a time, and no image of the room is fetched, made, opened or kept; nothing is shown before the room answers. The outbox is kept as
   * ever. Default false.
   */
  readonly isFrugal?: boolean;
  /** Where the room is kept between loads of the page; null (the default): nowhere, all is gone with the engine. */
  readonly storage?: EngineStorage | null;
  /** What happened since the last call, in order. All of one tick arrive together: the rows of a commit and the settling of its mutations. */
  onNotices(notices: readonly EngineNotice[]): void;
}

/**
 * GETs an image over HTTP: `path` as welcome had it (resolved against the server's address), `ticket` as the bearer token. Rejects with an AlcoveError. Aborted,
 * it may settle as it likes: nobody listens any more.
 */
export type FetchImage = (
  request: { readonly path: string; readonly ticket: string },
  onProgress: (progress: ByteProgress) => void,
  signal: AbortSignal,
) => Promise<FetchedImage>;

export interface ByteProgress {
  readonly bytes: number;
  /** Null where the server did not say. */
  readonly bytesTotal: number | null;
}

export interface FetchedImage {
  /** After Content-Encoding was undone. */
  readonly bytes: Uint8Array;
  /** Lower-case hex of the SHA-256 of `bytes`, where the platform makes it off the thread; else the engine makes it, in steps. */
  readonly sha256?: string | null;
  /** A response header, null where it is missing. */
  header(name: string): string | null;
}

/** `pending`: no rows yet. `cached`: complete at an older version. `current`: at the room's head. `error`: the query itself failed; earlier rows stay. */
export type ResultStatus = 'pending' | 'cached' | 'current' | 'error';

export interface QueryNotice {
  readonly type: 'query';
  readonly queryId: string;
  readonly status: ResultStatus;
  /** Counts the updates of this watch, 1, 2, 3 …; a patch builds on the update before it. Unchanged where `update` is null. */
  readonly revision: number;
  /** Null: same rows as before (only the status changed). */
  readonly update: RowsUpdate | null;
  readonly error: ErrorBody | null;
}

/** The mutation's fate is decided and the rows of its version are in this batch or were before. */
export interface SettledNotice {
  readonly type: 'settled';
  readonly clientId: string;
  readonly mutationId: number;
  readonly outcome: 'applied' | 'rejected';
  readonly version: number;
  readonly error: ErrorBody | null;
}

/**
 * The room lost a tail of this client's mutations. What was pending as (`clientId`, n) goes on as (`to`, n − `offset`), in this and all later notices; mint on
 * under `to`. Late calls of `mutate` under the old name are translated.
 */
export interface RekeyedNotice {
  readonly type: 'rekeyed';
  readonly clientId: string;
  readonly to: string;
  readonly offset: number;
  /** The room has this client's mutations up to here: those above that were told as applied are lost. */
  readonly roomHas: number;
}

/**
 * The room takes nothing more from this client: `client_unknown` (it was forgotten) or `unknown_outcome` (its counter went back, so ids would be used
 * twice). What is pending stays in the replica until the app issues it again under another client, or calls `discard`.
 */
export interface ClientStoppedNotice {
  readonly type: 'clientStopped';
  readonly clientId: string;
  readonly error: ErrorBody;
  readonly mutations: readonly Mutation[];
}

/** Mutations were sent in vain, and are sent again by themselves. Told with what ended the attempt; nothing is told of those that are answered. */
export interface AttemptedNotice extends Attempt {
  readonly type: 'attempted';
}

/** State of one other session, or of several of one user; null: gone. The own session is left out. */
export interface StateEntry {
  readonly sessionId: string;
  readonly userId: string | null;
  readonly state: Json;
}

export interface StatesNotice {
  readonly type: 'presence' | 'cursors';
  /** Forget all that was known before. */
  readonly reset: boolean;
  readonly entries: readonly StateEntry[];
}

export interface EphemeralNotice {
  readonly type: 'ephemeral';
  readonly reset: boolean;
  readonly entries: readonly (StateEntry & { readonly name: string; readonly key: string })[];
}

export interface ValueNotice {
  readonly type: 'value';
  readonly name: string;
  readonly key: string;
  /** Undefined where it was never set. */
  readonly value: Json | undefined;
  /** An own set is not known to be written yet. */
  readonly pending: boolean;
  /** User who set it last, where that is known. */
  readonly updatedBy: string | null;
  /** The `change` of the newest set or addition that this takes into account; 0: none was made since it is watched. */
  readonly change: number;
  /** Of a counter that was added to here: what to go on from in another engine of this client. */
  readonly counter?: (CounterTotals & { readonly clientId: string }) | null;
}

/** The room refused a state or a value that was set; what was shown of it is taken back. */
export interface StateRefusedNotice {
  readonly type: 'stateRefused';
  readonly what: 'presence' | 'cursor' | 'ephemeral' | 'value';
  readonly name: string | null;
  /** Null: of every key of that name. */
  readonly key: string | null;
  /** Of a value: number its caller gave what was refused; absent where the room refused it. */
  readonly change?: number;
  readonly error: ErrorBody;
}

export interface StatusNotice {
  readonly type: 'status';
  readonly status: EngineStatus;
}

export type EngineNotice =
  | QueryNotice
  | SettledNotice
  | RekeyedNotice
  | ClientStoppedNotice
  | AttemptedNotice
  | StatesNotice
  | EphemeralNotice
  | ValueNotice
  | StateRefusedNotice
  | StorageNotice
  | StatusNotice;

/** `waiting`: between two attempts. `needsAuth`: the room refused the token; `hint('authChanged')` or `start` goes on. `failed`: `start` tries again. */
export type ConnectionPhase = 'idle' | 'connecting' | 'live' | 'waiting' | 'needsAuth' | 'failed' | 'closed';

export interface EngineStatus {
  readonly connection: ConnectionPhase;
  /** Why there is no connection: of the last attempt, or what made it fail for good. */
  readonly error: ErrorBody | null;
  /** Attempts in a row that came to nothing. */
  readonly attempt: number;
  /** Wall time of the next attempt, in `waiting`. */
  readonly retryAtMs: number | null;
  /** What a query's rows are worth now; `pending` until the first snapshot is whole. */
  readonly replica: 'pending' | 'cached' | 'current';
  readonly historyId: string | null;
  /** Confirmed version of the replica; null before the first snapshot. */
  readonly version: number | null;
  /** Of that version; null, too, while it is not known whether it follows on what an earlier engine showed (`SyncEngineOptions.shown`). */
  readonly hash: string | null;
  /** Absent: never. */
  readonly forked?: Forked;
  /** The room's head as last heard. */
  readonly headVersion: number | null;
  /** The room's version at the welcome of the running session, which is the first welcome of clients made in it; null: there is no session. */
  readonly welcomeVersion: number | null;
  /** Wall time when the room was last heard, and the round trip of the last ping. Told within a second where nothing else changes. */
  readonly heardAtMs: number | null;
  readonly roundTripMs: number | null;
  readonly pending: number;
  /** Rejections told since the engine was made. */
  readonly rejected: number;
  readonly hydration: HydrationProgress | null;
  /** How well this tab's work is kept; null: it is not meant to be. */
  readonly storage: PersistenceState | null;
  /** Mutations on the disk that a newer build of the app called: this one leaves them alone. Absent: none. */
  readonly held?: number;
  readonly sessionId: string | null;
  /** Client group that the page has spoken as; for good. Absent: it has not yet. */
  readonly groupId?: string;
  readonly user: Claims | null;
  /** Room's wall time minus ours at the last welcome, in ms. */
  readonly serverOffsetMs: number | null;
}

export interface HydrationProgress {
  readonly phase: 'waiting' | 'image' | 'rows' | 'opening';
  readonly bytes: number;
  readonly bytesTotal: number | null;
  readonly rows: number;
  readonly rowsTotal: number | null;
}
