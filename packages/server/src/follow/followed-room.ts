import { applyChangeSet, withForeignKeysOff } from '@alcove/core/change/apply';
import type { ChangeSet } from '@alcove/core/change/change-set';
import { Capture } from '@alcove/core/change/capture';
import { installCapture } from '@alcove/core/change/install-capture';
import { decodeRecord } from '@alcove/core/change/record-codec';
import { AlcoveError } from '@alcove/core/error';
import type { LogRecord } from '@alcove/core/protocol/server-message';
import type { Runtime } from '@alcove/core/runtime/runtime';
import type { AnyRoom } from '@alcove/core/schema/define-room';
import type { Database } from '@alcove/core/sqlite/database';
import { ChangeLog, type LogHead } from '../change-log/change-log.ts';
import { fileKind } from '../change-log/log-tables.ts';
import { pruneLog, type PruneBounds } from '../change-log/prune.ts';
import { MetaTable, type RoomMeta } from '../change-log/room-meta.ts';

/** Entries of the end of the log whose hashes are made again when the file is opened. */
const VERIFY_VERSIONS_MAX = 64;

/** Versions that were taken in one go. */
export interface TakenVersions {
  /** The last of them. */
  readonly version: number;
  readonly schema: string;
  readonly hash: string;
  readonly atMs: number;
  /** Of each, in order. */
  readonly changeSets: readonly ChangeSet[];
}

/** How many rows they put or delete. */
export const rowsIn = ({ changeSets }: TakenVersions): number =>
  changeSets.reduce((sum, { tables }) => sum + tables.reduce((rows, table) => rows + table.rows.length, 0), 0);

/** Where a follower's file stands. */
export interface FollowedHead extends LogHead {
  readonly historyId: string;
}

/**
 * A copy of a room's file that is kept in step by the records of its log: the same tables, the same log, the same history. Nothing else writes to it.
 *
 * ```
 * open → ( take · prune )* ; after any error: close, take a fresh copy of the file, open
 * ```
 */
export class FollowedRoom {
  readonly historyId: string;
  /** Of the history, as the primary has it: views are the same on both. */
  readonly secret: Uint8Array;
  readonly log: ChangeLog;
  readonly #database: Database;
  readonly #definition: AnyRoom;
  readonly #meta: MetaTable;

  /**
   * @param database The copy's file, and nobody else's; the caller closes it.
   * @throws AlcoveError `file_foreign`, `file_damaged`; `schema_mismatch` where the room is of another schema than `definition`.
   */
  constructor(database: Database, definition: AnyRoom, runtime: Runtime) {
    if (fileKind(database) !== 'room') throw new AlcoveError('file_foreign', 'the copy of a room is no room');
    this.#database = database;
    this.#definition = definition;
    this.#meta = new MetaTable(database);
    const facts = this.#meta.read();
    checkOwner(database, facts, definition);
    this.log = new ChangeLog(database, runtime, facts);
    this.log.verifyTail(VERIFY_VERSIONS_MAX);
    this.historyId = facts.historyId;
    this.secret = facts.secret;
    installCapture(database, definition.model);
    // The room that was copied was capturing.
    new Capture(database, definition.model).stop();
  }

  get head(): FollowedHead {
    return { historyId: this.historyId, ...this.log.head };
  }

  /**
   * Versions after `head`, in order, all or none; those that it has already are left out. Null: it has all of them.
   * @throws AlcoveError `file_damaged`, `constraint_failed` where they do not fit what is there; `schema_mismatch` for a version of another schema.
   */
  take(records: readonly LogRecord[]): TakenVersions | null {
    const fresh = records.filter(({ version }) => version > this.log.head.version);
    const last = fresh.at(-1);
    if (last === undefined) return null;
    const { model } = this.#definition;
    const other = fresh.find(({ schema }) => schema !== model.schemaId);
    if (other !== undefined)
      throw new AlcoveError('schema_mismatch', `version ${other.version} is of another schema than this follower's definition`);
    const changeSets = fresh.map(({ record }) => decodeRecord(record));
    const appended = withForeignKeysOff(this.#database, () => {
      for (const changeSet of changeSets) applyChangeSet(this.#database, model, changeSet, 'forward');
      return this.log.copy(fresh);
    });
    this.log.advance(appended);
    const { version, schema, hash, atMs } = last;
    return { version, schema, hash, atMs, changeSets };
  }

  /** Drops the oldest versions past the bounds; to be called again while it returns true. */
  prune(bounds: PruneBounds, nowMs: number): boolean {
    return pruneLog(this.#database, this.log, this.#meta, bounds, nowMs);
  }
}

function checkOwner(database: Database, { roomName }: RoomMeta, definition: AnyRoom): void {
  if (roomName !== definition.name)
    throw new AlcoveError('file_foreign', `the copy is a room of definition ${roomName}, not of ${definition.name}`);
  const [schema] = database.prepare('SELECT schema FROM alcove_schemas ORDER BY position DESC LIMIT 1').get() ?? [];
  if (schema === definition.model.schemaId) return;
  throw new AlcoveError('schema_mismatch', 'the room that is followed is of another schema than this follower’s definition', {
    hint: 'Start follower and primary with the same definition, the primary first.',
  });
}
