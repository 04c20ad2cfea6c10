import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import type { Row } from '@alcove/core/sqlite/database';
import type { ReadSight } from './read-sight.ts';
import type { RoomDigest } from './room-digest.ts';
import type { SyncReport } from './sync-figures.ts';

/** One read of one room, as every replica takes it. Who may ask and what the SQL may be is decided before; what may be seen is in `sight`. */
export interface ReadRequest {
  /** Name of the definition, and id. */
  readonly room: { readonly name: string; readonly id: string };
  /** One statement that only reads, of the replica's dialect. */
  readonly sql: string;
  readonly params: Row;
  readonly sight: ReadSight;
  /** An older answer is none: `read_behind`. Null: whatever there is. */
  readonly atLeast: BookmarkParts | null;
  /** The room's own, as it is now: rows of another are another room's, however old they may be. Absent: of any. */
  readonly historyId?: string | undefined;
  readonly bounds: ReadBounds;
  /** Whose turn it takes where reads wait: opaque. Absent: the server's own code. */
  readonly user?: string | undefined;
}

export interface ReadBounds {
  /** The replica's own work on it; past it `query_timeout`, and what ran has ended within a second. */
  readonly timeoutMs: number;
  /** Past either the answer ends and is `truncated`. */
  readonly rowsMax: number;
  /** Of `cells` as JSON. */
  readonly bytesMax: number;
}

export interface ReadAnswer {
  /** Names as SQL gave them; they need not differ. */
  readonly columns: readonly string[];
  /** JSON of `WireCell[][]`, column by column: text, so that it goes out as it came from whatever process made it. */
  readonly cells: string;
  readonly rows: number;
  readonly truncated: boolean;
  /** Where the replica stood in the very snapshot that the rows are of. */
  readonly at: BookmarkParts;
}

/** How far behind a replica is in one room, or over all of its rooms. */
export interface ReplicaLag {
  /** Versions the primary had and the replica had not, when it was asked. */
  readonly versions: number;
  /** How long ago it was level with the primary; 0: it is. The age of what it last applied, never whether it answers at all. */
  readonly ms: number;
}

/** What a look finds. */
export interface ReplicaCheck extends ReplicaLag {
  /** Of a replica that keeps rooms of its own in step. */
  readonly sync?: SyncReport | undefined;
}

/** Tells that nobody waits any more; every AbortSignal is one. */
export interface EndSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** SQL that is written for one must not be sent to the other. */
export type Dialect = 'sqlite' | 'postgres';

/**
 * Something that answers reads of rooms and never writes to one. Implemented by reader processes, followers and mirrors; all pass `test/contract/replica-contract.ts`.
 */
export interface Replica {
  /** Unique among the replicas of a server; in answers, metrics and logs. */
  readonly id: string;
  readonly dialect: Dialect;
  /**
   * Aborted, it rejects with `closed` at once and what ran has ended within a second.
   * @throws AlcoveError (as rejection) `replica_unavailable`, the only code for which another replica is asked (RoomUnavailable where the others of its rooms can be read; with a `limit` where it has too much to do); `read_behind`; `query_timeout`, `sql_refused`,
   *   `sql_failed`, `result_too_large` (one row that passes `bytesMax`): an answer, whoever is asked.
   */
  read(request: ReadRequest, signal: EndSignal): Promise<ReadAnswer>;
  /** Does a read of nothing the way a read goes. @throws AlcoveError (as rejection) `replica_unavailable` */
  check(signal: EndSignal): Promise<ReplicaCheck>;
  /**
   * What it holds of a room, all rows in one snapshot: for the server's own use, as whatever rules hide is in it. It reads the whole room and takes no place that reads of users would have.
   * @param timeoutMs What it may take; by itself DIGEST_TIMEOUT_MS. One that may take longer keeps no other waiting.
   * @throws AlcoveError (as rejection) as `read` does; `query_timeout` where the room is too large for the time.
   */
  digest(room: ReadRequest['room'], signal: EndSignal, timeoutMs?: number): Promise<RoomDigest>;
  /**
   * Throws away what it holds of a room and takes it anew; resolves when it is level with the primary again. Absent: it holds nothing of its own.
   * @throws AlcoveError (as rejection) `replica_unavailable` where that cannot be begun, or is not done within minutes: it goes on then.
   */
  resync?(room: ReadRequest['room']): Promise<void>;
  /** What runs is ended. Idempotent. */
  close(): Promise<void>;
}
