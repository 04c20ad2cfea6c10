import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { MutatorTx } from '@alcove/core';
import { AlcoveError, createServer, type Logger } from '@alcove/server/node';
import { trip } from '../../room.ts';

const NAME = /^seed-[0-9a-f]{16}\.sqlite$/;
const UNUSED_MS = 7 * 24 * 3_600_000;
const silent: Logger = { error: (message, fields) => console.error(message, fields), info: () => undefined, debug: () => undefined };

export interface SeedFileOptions {
  /** Where it is kept; those that nobody started with for a week are removed. */
  readonly folder: string;
  /** The files whose code fills its tables: it is made anew when one of them has changed, or the tables have. */
  readonly madeBy: readonly string[];
  /** Called before the making begins: it takes a few seconds, and once. */
  readonly onMaking: () => void;
}

/**
 * The path of a SQLite file that holds a new trip, all cities in it; made where there is none. A room makes it, so it is a room's own file: its tables,
 * its indexes, its bookkeeping. Two processes may make it at once; each names its own when it is whole.
 */
export async function seedFile({ folder, madeBy, onMaking }: SeedFileOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(trip.model));
  for (const file of madeBy) hash.update(readFileSync(file));
  const path = join(folder, `seed-${hash.digest('hex').slice(0, 16)}.sqlite`);
  if (isWhole(path)) {
    utimesSync(path, new Date(), new Date());
    return path;
  }
  onMaking();
  mkdirSync(folder, { recursive: true });
  const dataDir = join(folder, `making-${randomBytes(6).toString('hex')}`);
  try {
    renameSync(await makeRoom(dataDir), path);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
  removeUnused(folder);
  return path;
}

/** It gets its name when it is whole; an empty one was made by whoever opened a file that was gone. */
const isWhole = (path: string): boolean => existsSync(path) && statSync(path).size > 0;

/** What another version of the demo was started with lately is left: it may be running. */
function removeUnused(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => NAME.test(one))) {
    const file = join(folder, name);
    if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > UNUSED_MS) rmSync(file, { force: true });
  }
}

/** The file of a room that was made and closed again. Nothing of it has to survive a power cut: it is made again then. */
async function makeRoom(dataDir: string): Promise<string> {
  // Loaded only where it is needed: the cities are some twenty megabytes of memory.
  const { seed } = await import('./seed.ts');
  const server = await createServer({ rooms: [trip], dataDir, seed: named(seed), synchronous: 'OFF', signals: false, log: silent });
  try {
    await server.rooms.create('trip', 'seed');
  } finally {
    await server.close();
  }
  return join(dataDir, 'rooms', 'trip', 'seed.sqlite');
}

/** The seed; what goes wrong in it is told as its own, with the column where it leaves one empty. */
const named = (seed: (tx: MutatorTx) => void) => (tx: MutatorTx) => {
  try {
    seed(tx);
  } catch (cause) {
    const { code, message, hint } = AlcoveError.from(cause);
    const [, table, column] = /NOT NULL constraint failed: (\w+)\.(\w+)/.exec(message) ?? [];
    if (table === undefined)
      throw new AlcoveError(code, `seed() in examples/trip-planner/src/server/seed.ts failed: ${message}`, { hint, cause });
    throw new AlcoveError(
      code,
      `seed() in examples/trip-planner/src/server/seed.ts leaves ${table}.${column} empty: the column ${column} of the table ${table} may not be null`,
      { hint: `Give ${column} a value in seed(), or a default in room.ts: .notNull().default(…)`, cause },
    );
  }
};
