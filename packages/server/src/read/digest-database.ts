import type { Runtime } from '@alcove/core/runtime/runtime';
import { nameList } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { DigestSum, type DigestTable, type RoomDigest, type TableDigest } from './room-digest.ts';

const HEAD_SQL = `SELECT
  (SELECT value FROM alcove_meta WHERE name = 'historyId'),
  coalesce((SELECT max(version) FROM alcove_log), (SELECT value FROM alcove_meta WHERE name = 'floor'))`;

/**
 * The digest of a room's or follower's own database, in one transaction that only reads.
 * @throws AlcoveError `sql_failed` where it does not have the tables, and what a database that fails throws.
 */
export function digestDatabase(database: Database, tables: readonly DigestTable[], runtime: Pick<Runtime, 'utf8'>): RoomDigest {
  return database.transaction(() => {
    const [historyId, version] = database.prepare(HEAD_SQL).get() ?? [];
    const at = { historyId: String(historyId), version: Number(version) };
    return { at, tables: tables.map((table) => digestTable(database, table, runtime)) };
  });
}

function digestTable(database: Database, { name, columns }: DigestTable, runtime: Pick<Runtime, 'utf8'>): TableDigest {
  const sum = new DigestSum(runtime);
  const rows = database.prepare(`SELECT ${nameList(columns)} FROM ${quoteIdentifier(name)}`).iterate();
  for (const row of rows) sum.add(row);
  return { table: name, rows: sum.rows, checksum: sum.checksum };
}
