import { AlcoveError } from '@alcove/core/error';
import { isServerFault } from '../connection/connection-end.ts';
import type { LostOutbox } from '../storage/place-marks.ts';
import type { EngineStatus, Forked, ShownVersion } from '../sync/engine-interface.ts';
import type { PlaceFacts } from './kept-room-place.ts';

/** State of a room in this tab, for status bars and hooks. */
export interface SyncStatus {
  /**
   * `idle`: not started. `connecting`: first attempt, or after a loss with nothing to wait for. `connected`. `reconnecting`: waits for the next attempt, see `error` and `retryAtMs`; also where the server cannot open the room until it is mended. `needs_auth`: the token was
   * refused. `disconnected`: by `room.disconnect()`, until `room.reconnect()`. `failed`: stopped for good, see `error`. `closed`.
   */
  readonly connection: 'idle' | 'connecting' | 'disconnected' | 'connected' | 'reconnecting' | 'needs_auth' | 'failed' | 'closed';
  /** Why there is no connection: what ended the last one or the last attempt; null while there is one. */
  readonly error: AlcoveError | null;
  /** Wall time of the next attempt to connect, in ms. */
  readonly retryAtMs: number | null;
  /** Attempts in a row that came to nothing. */
  readonly attempt: number;
  /** What live queries are worth now. */
  readonly replica: 'pending' | 'cached' | 'current';
  /** Confirmed version this tab holds; null before the first snapshot. */
  readonly version: number | null;
  /** The room's version as last heard; null before its first word. */
  readonly headVersion: number | null;
  /** How long since the room was last heard when it is not connected, the half round trip when it is; null before the first word. */
  readonly lagMs: number | null;
  /** Wall time of the room's last word. */
  readonly lastHeardAtMs: number | null;
  /** Mutations called here that the room has not decided. */
  readonly pendingCount: number;
  /**
   * Mutations that other tabs of this browser have pending in this room, as far as this tab heard: they are shown here, and pushed there. What that tab pushes within a moment is not counted. While
   * it is above zero not everything of this device is in the room.
   */
  readonly pendingElsewhereCount: number;
  /**
   * Mutations on this device that a newer build of the app called and that are not in the room: this build neither shows nor sends them. Above zero the app is to be loaded again: they go on in a page of
   * that build.
   */
  readonly waitsForUpdateCount: number;
  /** Rejected, failed, unknown and lost ones that were not dismissed. */
  readonly rejectedCount: number;
  /** While a snapshot is on its way, else null. */
  readonly snapshotProgress: SnapshotProgress | null;
  /**
   * How well this tab's work is kept on this device. `opening`: what is kept is being read. `saved`: all of it is on the disk. `saving`. `failing`: it is tried again, meanwhile work goes on in
   * memory (`storageError` says why: a full disk, a private window). `off`: nothing is kept, for good: it was not asked for, `storageError` says why not, or the room is closed here.
   */
  readonly storage: 'opening' | 'saved' | 'saving' | 'failing' | 'off';
  readonly storageError: AlcoveError | null;
  /** Mutations called here that exist in this tab's memory only: what closing it now would lose. */
  readonly unsavedCount: number;
  /** This browser lost mutations of earlier page loads that had not reached the room. Told once; null: not so, or `room.dismissLostOutbox()` was called. */
  readonly lostOutbox: LostOutbox | null;
  /** Whether the browser promised to keep what is stored when space runs short; null: it was not asked, or does not say. */
  readonly storagePersisted: boolean | null;
  /**
   * The room went on under another history while this page was open, or without the end of the one it had, as after a restore: what stood in it beyond may be gone, whoever wrote it. Of the page's own confirmed
   * mutations those that are gone stand in `rejected` as `lost` (the newest 1,000 are remembered). Null: no such thing happened; else the last time it did.
   */
  readonly lostTail: LostTail | null;
  /** This connection's id as others see it beside its presence; null without one. */
  readonly sessionId: string | null;
  /** Claims that the server gave at the last welcome; null for nobody. */
  readonly user: EngineStatus['user'];
}

/** Where a history ended for this page, and another began. */
export interface LostTail {
  /** The newest version that this page showed of the history before. */
  readonly seenVersion: number;
  /** The first one it showed of the history that followed. */
  readonly version: number;
  /** Wall time when it was shown. */
  readonly atMs: number;
}

/** How much of a snapshot is here. */
export interface SnapshotProgress {
  /** `waiting`: asked for. `image`, `rows`: how it comes. `opening`: all is here. */
  readonly phase: 'waiting' | 'image' | 'rows' | 'opening';
  /** Bytes that came, after decompression; 0 where it comes as rows. */
  readonly bytes: number;
  /** Of so many; null where the server did not say. So for rows. */
  readonly bytesTotal: number | null;
  readonly rows: number;
  readonly rowsTotal: number | null;
}

export const INITIAL_STATUS: SyncStatus = {
  connection: 'idle',
  error: null,
  retryAtMs: null,
  attempt: 0,
  replica: 'pending',
  version: null,
  headVersion: null,
  lagMs: null,
  lastHeardAtMs: null,
  pendingCount: 0,
  pendingElsewhereCount: 0,
  waitsForUpdateCount: 0,
  rejectedCount: 0,
  snapshotProgress: null,
  storage: 'opening',
  storageError: null,
  unsavedCount: 0,
  lostOutbox: null,
  storagePersisted: null,
  lostTail: null,
  sessionId: null,
  user: null,
};

const CONNECTION = {
  idle: 'connecting',
  connecting: 'connecting',
  live: 'connected',
  waiting: 'reconnecting',
  needsAuth: 'needs_auth',
  failed: 'failed',
  closed: 'closed',
} as const;

/** Why no first rows can come until somebody does something (sign in, update the app, restart or mend the server); null: they may come by themselves. */
export function obstacleIn({ replica, connection, error }: EngineStatus): AlcoveError | null {
  if (replica !== 'pending' || error === null || connection === 'live') return null;
  const stands = connection === 'failed' || connection === 'needsAuth' || error.code === 'room_outdated' || isServerFault(error.code);
  return stands ? AlcoveError.fromBody(error) : null;
}

/** What a page showed before and shows now, of two histories, or of one that forked; null: there is nothing to tell. */
export function lostTailIn(
  before: ShownVersion | null,
  now: ShownVersion | null,
  { fork, atMs }: { readonly fork: Forked | null; readonly atMs: number },
): LostTail | null {
  if (before === null || now === null) return null;
  if (before.historyId !== now.historyId) return { seenVersion: before.version, version: now.version, atMs };
  return fork === null ? null : { seenVersion: fork.seenVersion, version: now.version, atMs };
}

/** What the page itself knows. */
export interface PageStatus extends PlaceFacts {
  /** Why nothing is kept although it was to be. */
  readonly notKept: AlcoveError | null;
  readonly isAway: boolean;
  readonly pending: number;
  readonly pendingElsewhere: number;
  readonly unsaved: number;
  readonly rejected: number;
  readonly lostTail: LostTail | null;
}

/** A worker that is held says `saved` of what it does not know yet. */
function storageOf({ storage }: EngineStatus, { unsaved }: PageStatus): SyncStatus['storage'] {
  return storage?.status === 'saved' && unsaved > 0 ? 'saving' : (storage?.status ?? 'off');
}

/** The engine's status with what the page itself knows. */
export function syncStatusOf(engine: EngineStatus, page: PageStatus, nowMs: number): SyncStatus {
  const connection = page.isAway ? 'disconnected' : CONNECTION[engine.connection];
  const silentMs = engine.heardAtMs === null ? null : Math.max(0, nowMs - engine.heardAtMs);
  return {
    connection,
    error: engine.error === null ? null : AlcoveError.fromBody(engine.error),
    retryAtMs: page.isAway ? null : engine.retryAtMs,
    attempt: engine.attempt,
    replica: engine.replica,
    version: engine.version,
    headVersion: engine.headVersion,
    lagMs: connection === 'connected' ? (engine.roundTripMs === null ? null : engine.roundTripMs / 2) : silentMs,
    lastHeardAtMs: engine.heardAtMs,
    pendingCount: page.pending,
    pendingElsewhereCount: page.pendingElsewhere,
    waitsForUpdateCount: engine.held ?? 0,
    rejectedCount: page.rejected,
    snapshotProgress: engine.hydration,
    storage: storageOf(engine, page),
    storageError: engine.storage?.error == null ? page.notKept : AlcoveError.fromBody(engine.storage.error),
    unsavedCount: page.unsaved,
    lostOutbox: page.lostOutbox,
    storagePersisted: page.storagePersisted,
    lostTail: page.lostTail,
    sessionId: engine.sessionId,
    user: engine.user,
  };
}
