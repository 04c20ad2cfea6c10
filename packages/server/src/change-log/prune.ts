import type { Database } from '@alcove/core/sqlite/database';
import type { ChangeLog, LogHead } from './change-log.ts';
import type { MetaTable } from './room-meta.ts';

export interface PruneBounds {
  readonly versionsMax: number;
  readonly bytesMax: number;
  readonly ageMsMax: number;
  /** Below the floor the hash of every Nth version is kept: some 50 bytes each. */
  readonly keptHashEvery: number;
  /** Versions above it are still needed by somebody who reads along. */
  readonly keepAbove: number;
}

/** Versions dropped at once, so that no prune holds up commits for long. */
export const PRUNE_VERSIONS_MAX = 1_000;

/**
 * Raises the floor over the oldest versions that pass one of the bounds, in one transaction of its own; call it again while it returns true.
 * The newest version always stays.
 */
export function pruneLog(database: Database, log: ChangeLog, meta: MetaTable, bounds: PruneBounds, nowMs: number): boolean {
  const oldest = database
    .prepare('SELECT version, hash, at_ms, total_bytes - bytes FROM alcove_log ORDER BY version LIMIT ?')
    .all([PRUNE_VERSIONS_MAX])
    .map(([version, hash, atMs, bytesBefore]) => ({
      version: Number(version),
      hash: String(hash),
      atMs: Number(atMs),
      bytesBefore: Number(bytesBefore),
    }));
  const first = oldest[0];
  if (first === undefined) return false;
  const endBytes = first.bytesBefore + log.bytes;
  let floor: LogHead | null = null;
  let count = 0;
  for (const { version, hash, atMs, bytesBefore } of oldest) {
    if (version >= Math.min(log.head.version, bounds.keepAbove + 1)) break;
    const passes =
      log.head.version - version >= bounds.versionsMax || endBytes - bytesBefore > bounds.bytesMax || nowMs - atMs > bounds.ageMsMax;
    if (!passes) break;
    floor = { version, hash };
    count += 1;
  }
  if (floor === null) return false;
  raiseFloor(database, log, meta, floor, bounds.keptHashEvery);
  return count === PRUNE_VERSIONS_MAX;
}

/** Drops every entry up to `floor`, which must be the log's own version and hash; keeps one hash in N. Opens a transaction. */
export function raiseFloor(database: Database, log: ChangeLog, meta: MetaTable, floor: LogHead, keptHashEvery: number): void {
  database.transaction(() => writeFloor(database, meta, floor, keptHashEvery));
  log.raiseFloor(floor);
}

/** As `raiseFloor`, within the caller's transaction; `log.raiseFloor` is the caller's, after COMMIT. */
export function writeFloor(database: Database, meta: MetaTable, floor: LogHead, keptHashEvery: number): void {
  database
    .prepare(
      'INSERT OR REPLACE INTO alcove_hashes (version, hash) SELECT version, hash FROM alcove_log WHERE version <= ? AND version % ? = 0',
    )
    .run([floor.version, keptHashEvery]);
  database.prepare('DELETE FROM alcove_log WHERE version <= ?').run([floor.version]);
  meta.write({ floor: floor.version, floorHash: floor.hash });
}
