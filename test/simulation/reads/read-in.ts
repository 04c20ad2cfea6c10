import { AlcoveError } from '@alcove/core/error';
import type { BookmarkParts } from '@alcove/core/protocol/bookmark';
import { READ_SQL_CHARACTERS_MAX } from '@alcove/core/protocol/limits';
import type { Database } from '@alcove/core/sqlite/database';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import { AnswerCells } from '../../../packages/server/src/read/answer-cells.ts';
import { refuseUnlessRead } from '../../../packages/server/src/read/guest-sql.ts';
import type { ReadAnswer, ReadRequest } from '../../../packages/server/src/read/replica.ts';

/** Where a database stands, in the snapshot that is open; null: it is in no state to be read. */
export type HeadOf = (database: Database) => BookmarkParts | null;

/** Of a room's file, or a copy of it: as the reader processes find it. */
export const headOfFile: HeadOf = (database) => {
  const head = database
    .prepare(
      `SELECT (SELECT value FROM main.alcove_meta WHERE name = 'historyId'),
       coalesce((SELECT max(version) FROM main.alcove_log), (SELECT value FROM main.alcove_meta WHERE name = 'floor'))`,
    )
    .get();
  return { historyId: String(head?.[0]), version: Number(head?.[1]) };
};

/**
 * A read of a database in this process: what the sandbox of a reader process does, without the process and the authorizer, and with what is seen of tables as CTEs. Head
 * and rows are of one snapshot.
 * @throws AlcoveError as Replica.read does
 */
export function readIn(database: Database, request: ReadRequest, headOf: HeadOf): ReadAnswer {
  const { sql, params, sight, atLeast, bounds } = request;
  refuseUnlessRead(sql, READ_SQL_CHARACTERS_MAX);
  const seen = sight.tables.map(({ name, select }) => `${quoteIdentifier(name)} AS (${select})`).join(', ');
  let answer: ReadAnswer | null = null;
  inSnapshot(database, () => {
    const at = headOf(database);
    if (at === null) throw new AlcoveError('replica_unavailable', 'there is nothing to read yet');
    if (atLeast !== null && (at.historyId !== atLeast.historyId || at.version < atLeast.version))
      throw new AlcoveError('read_behind', `version ${at.version} is there, ${atLeast.version} was asked for`);
    const statement = database.prepare(`WITH ${seen} ${sql}`);
    const cells = new AnswerCells(statement.columns.length, bounds, Buffer.byteLength);
    for (const row of statement.iterate(params)) if (!cells.add(row)) break;
    answer = { columns: statement.columns, ...cells.answer(), at };
  });
  if (answer === null) throw new AlcoveError('internal', 'a read came to nothing');
  return answer;
}

/** Runs `look` in a transaction of which nothing stays. */
export function inSnapshot(database: Database, look: () => void): void {
  const over = new Error('looked');
  try {
    database.transaction(() => {
      look();
      throw over;
    });
  } catch (error) {
    if (error !== over) throw error;
  }
}

/** A read of a file through a handle of its own, as another process has one. */
export function readFile(path: string, request: ReadRequest): ReadAnswer {
  return inFile(path, (database) => readIn(database, request, headOfFile));
}

/** Looks at a file through a handle of its own. @throws AlcoveError `replica_unavailable` where it cannot be opened. */
export function inFile<T>(path: string, look: (database: Database) => T): T {
  let database: Database;
  try {
    database = openDatabase(path, { readonly: true });
  } catch (cause) {
    throw new AlcoveError('replica_unavailable', 'the room’s file cannot be read', { cause });
  }
  try {
    return look(database);
  } finally {
    database.close();
  }
}
