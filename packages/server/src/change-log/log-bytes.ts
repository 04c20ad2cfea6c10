import type { Database } from '@alcove/core/sqlite/database';

/** Bytes of records that a replica at `version` would have to catch up by. The log's rows carry a running total. */
export function logBytesSince(database: Database, version: number): number {
  const sql = `SELECT
    (SELECT total_bytes FROM alcove_log ORDER BY version DESC LIMIT 1) -
    coalesce((SELECT total_bytes FROM alcove_log WHERE version = ?), (SELECT total_bytes - bytes FROM alcove_log ORDER BY version LIMIT 1))`;
  return Number(database.prepare(sql).get([version])?.[0] ?? 0);
}
