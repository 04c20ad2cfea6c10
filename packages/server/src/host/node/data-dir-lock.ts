import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AlcoveError } from '@alcove/core/error';
import { holdFileLock } from './file-lock.ts';

/** DataDirs this process holds, by real path: a file lock does not stop the process that has it. */
const heldHere = new Set<string>();

export interface DataDirLock {
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the one right to use `dataDir`. It is the operating system's lock on a file, so it ends with the process however that ends: nothing is ever
 * stale, no process id is guessed at, and two containers on one volume see each other. Who holds it stands in `alcove.holder`, for people only.
 *
 * @throws AlcoveError `data_dir_locked`
 */
export const lockDataDir = (dataDir: string): DataDirLock => {
  const real = realpathSync(dataDir);
  if (heldHere.has(real)) throw locked(dataDir, 'this same process');
  const holderPath = join(real, 'alcove.holder');
  const lock = holdFileLock(join(real, 'alcove.lock'));
  if (lock === null) throw locked(dataDir, holderIn(holderPath));
  heldHere.add(real);
  try {
    writeFileSync(holderPath, `process ${process.pid} on ${hostname()}\n`);
  } catch (error) {
    heldHere.delete(real);
    lock.release();
    throw new AlcoveError('data_dir_unwritable', `dataDir cannot be written: ${dataDir}`, { cause: error });
  }
  return {
    release: () => {
      if (!heldHere.delete(real)) return;
      rmSync(holderPath, { force: true });
      lock.release();
    },
  };
};

const locked = (dataDir: string, holder: string): AlcoveError =>
  new AlcoveError('data_dir_locked', `dataDir is in use by ${holder}: ${dataDir}`);

const holderIn = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim().slice(0, 200) || 'another process';
  } catch {
    return 'another process'; // it has only just taken the lock, or is about to leave
  }
};
