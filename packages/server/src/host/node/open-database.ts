import type { Database } from '@alcove/core/sqlite/database';
import { AlcoveError } from '@alcove/core/error';
import { openBetterSqlite3 } from './better-sqlite3-database.ts';
import type { DriverOptions } from './driver-options.ts';
import { openPhotostructure } from './photostructure-database.ts';

export type DriverName = 'better-sqlite3' | 'photostructure';

const DRIVERS: Readonly<Record<DriverName, (path: string, options?: DriverOptions) => Database>> = {
  'better-sqlite3': openBetterSqlite3,
  photostructure: openPhotostructure,
};

let chosen: DriverName | undefined;

/**
 * The driver this process uses: what ALCOVE_DRIVER names, else better-sqlite3 where its binary loads, else @photostructure/sqlite. Tried once.
 * @throws AlcoveError `driver_missing` where none loads, `option_invalid` where ALCOVE_DRIVER names none.
 */
export function driverInUse(): DriverName {
  chosen ??= chooseDriver(process.env['ALCOVE_DRIVER']);
  return chosen;
}

/** Opens `path` (a file or `:memory:`) with the driver in use. @throws AlcoveError as the drivers and driverInUse do. */
export function openDatabase(path: string, options: DriverOptions = {}): Database {
  return DRIVERS[driverInUse()](path, options);
}

/** Tries each driver on an empty database; `wanted` is the only one tried where it is given. */
export function chooseDriver(wanted: string | undefined, drivers: typeof DRIVERS = DRIVERS): DriverName {
  const names: DriverName[] = ['better-sqlite3', 'photostructure'];
  const candidates = wanted === undefined || wanted === '' ? names : names.filter((name) => name === wanted);
  if (candidates.length === 0)
    throw new AlcoveError('option_invalid', `ALCOVE_DRIVER=${wanted} names no driver; use ${names.join(' or ')}`);
  const failures: unknown[] = [];
  for (const name of candidates) {
    try {
      drivers[name](':memory:').close();
      return name;
    } catch (error) {
      failures.push(error);
    }
  }
  const reasons = failures.map(
    (error, index) => `${candidates[index]}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
  );
  throw new AlcoveError('driver_missing', `no SQLite driver loads (${reasons.join('; ')})`, { cause: failures[0] });
}
