import { rm, stat } from 'node:fs/promises';
import { AlcoveError } from '@alcove/core/error';
import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import type { CopyJob, CopyResult } from './builder-job.ts';
import { withSidecars } from './data-dir.ts';
import { openRawDatabase } from './raw-database.ts';

/** The room is being written. */
const BUSY_TIMEOUT_MS = 10_000;
/** Whose mutations the room has seen is the room's own business; a follower takes none. */
const OWN_TABLES = ['alcove_clients', 'alcove_rejections', 'alcove_counters'];

/** Copies a room at one version; what is emptied is in no byte of the copy. @throws AlcoveError `room_failed`, `room_full`; nothing is left then. */
export async function runCopyJob({ roomPath, copyPath, emptied }: CopyJob): Promise<CopyResult> {
  try {
    inDatabase(roomPath, `VACUUM INTO '${copyPath.replaceAll("'", "''")}'`);
    inDatabase(
      copyPath,
      // Without it what is deleted would go along in the file's free pages.
      [
        'PRAGMA secure_delete = ON',
        'PRAGMA foreign_keys = OFF',
        ...[...OWN_TABLES, ...emptied].map((table) => `DELETE FROM ${quoteIdentifier(table)}`),
      ].join(';'),
    );
    return { bytes: (await stat(copyPath)).size };
  } catch (error) {
    for (const file of withSidecars(copyPath)) await rm(file, { force: true });
    throw AlcoveError.from(error, 'room_failed');
  }
}

function inDatabase(path: string, sql: string): void {
  const database = openRawDatabase(path, BUSY_TIMEOUT_MS);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}
