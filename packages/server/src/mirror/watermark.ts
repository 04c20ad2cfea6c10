import type { WireCell } from '@alcove/core/change/wire-rows';
import type { MirrorNames } from './mirror-names.ts';

/** A statement and its parameters. */
export interface PgStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Where the first copy of a room has got to. `clear`: rows of before are being removed. Else the next row is the one behind `after` (null: the first) of `table`; `rows` are there already.
 */
export type CopyPosition =
  | { readonly phase: 'clear' }
  | { readonly phase: 'copy'; readonly table: string; readonly after: readonly WireCell[] | null; readonly rows: number };

/** Where a mirror stands in a room: what stands in its row of `watermarks`. */
export interface Watermark {
  readonly historyId: string;
  readonly version: number;
  /**
   * Of the log at that version: a file that was put back may have another one there. Null: an older build left it out. While it is `syncing` rows may be newer than `version`: then it is `at VERSION HASH` of
   * the newest that were read.
   */
  readonly hash: string | null;
  /** `retired`: of a definition that was not mirrored any more when the mirror was connected last. */
  readonly state: 'syncing' | 'live' | 'deleted' | 'retired';
  readonly schemaId: string;
  readonly position: CopyPosition | null;
  /** Of a room that was deleted or retired, in ms since 1970; its rows go some time after. */
  readonly deletedMs: number | null;
}

export interface NamedWatermark {
  readonly room: string;
  readonly id: string;
  readonly watermark: Watermark;
}

const COLUMNS = `room, id, history_id, version, hash, state, schema_id, position, extract(epoch FROM deleted_at) * 1000 AS deleted_ms`;

/** Of all rooms, or of one. Answers rows for `watermarkOf`. */
export const readWatermarks = (names: MirrorNames, room?: { readonly name: string; readonly id: string }): PgStatement => ({
  text: `SELECT ${COLUMNS} FROM ${names.watermarks}${room === undefined ? '' : ' WHERE room = $1 AND id = $2'}`,
  values: room === undefined ? [] : [room.name, room.id],
});

/** A row of `readWatermarks`, as the driver gives it. */
export interface WatermarkRow {
  readonly room: string;
  readonly id: string;
  readonly history_id: string;
  readonly version: string;
  readonly hash: string | null;
  readonly state: Watermark['state'];
  readonly schema_id: string;
  readonly position: CopyPosition | null;
  readonly deleted_ms: string | null;
}

export const watermarkOf = (row: WatermarkRow): NamedWatermark => ({
  room: row.room,
  id: row.id,
  watermark: {
    historyId: row.history_id,
    version: Number(row.version),
    hash: row.hash,
    state: row.state,
    schemaId: row.schema_id,
    position: row.position,
    deletedMs: row.deleted_ms === null ? null : Number(row.deleted_ms),
  },
});

/**
 * Moves a room's watermark from `before` (null: it has none) to `after`. Answers one row where it stood at `before`, none where somebody else moved it meanwhile: the transaction is then to be rolled back.
 */
export function moveWatermark(
  names: MirrorNames,
  room: { readonly name: string; readonly id: string },
  before: Watermark | null,
  after: Watermark,
): PgStatement {
  const to = [after.historyId, after.version, after.state, after.schemaId, jsonOf(after.position), deletedAt(after), after.hash];
  if (before === null)
    return {
      text: `INSERT INTO ${names.watermarks} (room, id, history_id, version, state, schema_id, position, deleted_at, hash, applied_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING 1`,
      values: [room.name, room.id, ...to],
    };
  return {
    text: `UPDATE ${names.watermarks} SET history_id = $3, version = $4, state = $5, schema_id = $6, position = $7, deleted_at = $8, hash = $9, applied_at = clock_timestamp()
      WHERE room = $1 AND id = $2 AND history_id = $10 AND version = $11 AND state = $12 AND schema_id = $13 AND position IS NOT DISTINCT FROM $14::jsonb RETURNING 1`,
    values: [room.name, room.id, ...to, before.historyId, before.version, before.state, before.schemaId, jsonOf(before.position)],
  };
}

/** Keeps a room's watermark where it stands until the transaction ends, for what moves none. Answers one row where it stood there, none where somebody else moved it meanwhile. */
export const holdWatermark = (
  names: MirrorNames,
  room: { readonly name: string; readonly id: string },
  { historyId, version, state, schemaId, position }: Watermark,
): PgStatement => ({
  text: `SELECT 1 FROM ${names.watermarks} WHERE room = $1 AND id = $2 AND history_id = $3 AND version = $4 AND state = $5 AND schema_id = $6
    AND position IS NOT DISTINCT FROM $7::jsonb FOR UPDATE`,
  values: [room.name, room.id, historyId, version, state, schemaId, jsonOf(position)],
});

/** Takes the tombstone of a room away. */
export const forgetWatermark = (names: MirrorNames, room: { readonly name: string; readonly id: string }): PgStatement => ({
  text: `DELETE FROM ${names.watermarks} WHERE room = $1 AND id = $2 AND state = 'deleted'`,
  values: [room.name, room.id],
});

const jsonOf = (position: CopyPosition | null): string | null => (position === null ? null : JSON.stringify(position));
const deletedAt = ({ deletedMs }: Watermark): Date | null => (deletedMs === null ? null : new Date(deletedMs));
