import { AlcoveError } from '@alcove/core/error';
import { openRawDatabase } from './raw-database.ts';
import type { RawDatabase } from './raw-database.ts';

/**
 * Locks `path` for this process through SQLite's own file locking, the only portable one Node can reach; null where another process has it. The operating
 * system drops the lock when the process ends. The file stays empty. Nobody in this process may open it by other means: closing it would drop the lock.
 *
 * @throws AlcoveError `data_dir_unwritable` where the file cannot be made or its file system offers no locks, `driver_missing`.
 */
export const holdFileLock = (path: string): { release(): void } | null => {
  const database = open(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && /database is locked/.test(error.message)) return null;
    throw unlockable(path, error);
  }
  return { release: () => database.close() };
};

const open = (path: string): RawDatabase => {
  try {
    return openRawDatabase(path, 0);
  } catch (error) {
    throw error instanceof AlcoveError ? error : unlockable(path, error);
  }
};

const unlockable = (path: string, cause: unknown): AlcoveError =>
  new AlcoveError(
    'data_dir_unwritable',
    `the lock file cannot be made or locked: ${path} (${cause instanceof Error ? cause.message : String(cause)})`,
    {
      cause,
    },
  );
