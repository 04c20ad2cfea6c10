import type { Database } from '@alcove/core/sqlite/database';
import initSqlJs from 'sql.js';
import { openSqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { openBetterSqlite3 } from '../../packages/server/src/host/node/better-sqlite3-database.ts';
import { chooseDriver } from '../../packages/server/src/host/node/open-database.ts';
import { openPhotostructure } from '../../packages/server/src/host/node/photostructure-database.ts';

export interface Engine {
  readonly name: 'sqljs' | 'better-sqlite3' | 'photostructure';
  /** A fresh, empty database in memory. */
  open(): Promise<Database>;
}

let sqlJs: ReturnType<typeof initSqlJs> | undefined;

const all: readonly Engine[] = [
  { name: 'sqljs', open: async () => openSqljsDatabase(await (sqlJs ??= initSqlJs())) },
  { name: 'better-sqlite3', open: async () => openBetterSqlite3(':memory:') },
  { name: 'photostructure', open: async () => openPhotostructure(':memory:') },
];

function loads(name: Engine['name']): boolean {
  if (name === 'sqljs') return true;
  try {
    return chooseDriver(name) === name;
  } catch {
    return false;
  }
}

/** Drivers whose binary cannot be loaded on this machine; what runs on every engine leaves them out and names them. */
export const missingEngines: readonly Engine[] = all.filter(({ name }) => !loads(name));

/** Every engine that runs here. */
export const engines: readonly Engine[] = all.filter((engine) => !missingEngines.includes(engine));
