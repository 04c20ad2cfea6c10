import { createRequire } from 'node:module';
import { AlcoveError } from '@alcove/core/error';

/** The little that both SQLite drivers have in common and a lock needs. */
interface RawDatabase {
  exec(sql: string): unknown;
  close(): void;
}

const require = createRequire(import.meta.url);

/**
 * Locks `path` for this process through SQLite's own file locking, the only portable one Node can reach; null where another process has it. The operating
 * system drops the lock when the process ends. The file stays empty. Nobody in this process may open it by other means: closing it would drop the lock.
 *
 * @throws AlcoveError `data_dir_unwritable` where the file cannot be made or its file system offers no locks, `driver_missing`.
 */
export const holdFileLock = (path: string): { release(): void } | null => {
  const database = openRaw(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw unlockable(path, error);
  }
  return { release: () => database.close() };
};

const openRaw = (path: string): RawDatabase => {
  const open = load();
  try {
    return open(path);
  } catch (error) {
    throw unlockable(path, error);
  }
};

const load = (): ((path: string) => RawDatabase) => {
  try {
    const Database = require('better-sqlite3') as typeof import('better-sqlite3'); // what the package's types say it exports
    new Database(':memory:').close(); // the native part loads only now
    return (path) => new Database(path, { timeout: 0 });
  } catch {
    // not installed or not built: the other driver
  }
  try {
    const { DatabaseSync } = require('@photostructure/sqlite') as typeof import('@photostructure/sqlite'); // what the package's types say it exports
    return (path) => new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    throw new AlcoveError('driver_missing', 'neither better-sqlite3 nor @photostructure/sqlite can be loaded', { cause: error });
  }
};

const isBusy = (error: unknown): boolean => error instanceof Error && /database is locked/.test(error.message);

const unlockable = (path: string, cause: unknown): AlcoveError =>
  new AlcoveError('data_dir_unwritable', `a lock file cannot be made or locked: ${path} (${cause instanceof Error ? cause.message : String(cause)})`, {
    cause,
  });
