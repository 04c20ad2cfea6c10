import type { Database } from '@alcove/core/sqlite/database';

/**
 * Moves the log into the file, then closes. SQLite does so itself when the last connection ends, but with @photostructure/sqlite that is not before the
 * garbage collector has found every statement. @throws AlcoveError where the disk refuses; it is closed all the same.
 */
export const closeDatabase = (database: Database): void => {
  try {
    database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  } finally {
    database.close();
  }
};
