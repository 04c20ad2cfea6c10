import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '@alcove/core/sqlite/database';
import initSqlJs from 'sql.js';
import { openSqljsDatabase, type SqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { withPlatform } from './world/platform-guard.ts';
import type { Databases } from './world/world.ts';

let sqlJs: Promise<Awaited<ReturnType<typeof initSqlJs>>> | undefined;

/** Tabs on sql.js, as in a browser; oracles on the server's driver, so that what the engines do differently shows. */
export async function realDatabases(): Promise<Databases> {
  const loaded = await (sqlJs ??= initSqlJs());
  return {
    openReplica: (image) => withPlatform(() => openSqljsDatabase(loaded, image ?? undefined)),
    openShadow: () => openDatabase(':memory:', { synchronous: 'OFF' }),
    exportImage: (database) => withPlatform(() => (database as SqljsDatabase).exportImage()), // opened above
  };
}

/** Everything on the server's driver: the fast lane. */
export function nativeDatabases(): Databases {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'alcove-simulation-tabs-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  let count = 0;
  const openImage = (image: Uint8Array): Database => {
    count += 1;
    const path = join(folder, `tab-${count}.sqlite`);
    writeFileSync(path, image);
    return openDatabase(path, { synchronous: 'OFF' });
  };
  return {
    exportImage: (database) => {
      count += 1;
      const path = join(folder, `image-${count}.sqlite`);
      database.exec(`VACUUM INTO '${path}'`);
      const bytes = new Uint8Array(readFileSync(path));
      rmSync(path);
      return bytes;
    },
    openReplica: (image) => (image === null ? openDatabase(':memory:', { synchronous: 'OFF' }) : openImage(image)),
    openShadow: () => openDatabase(':memory:', { synchronous: 'OFF' }),
  };
}
