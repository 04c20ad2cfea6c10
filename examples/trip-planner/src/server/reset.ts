import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type Logger } from '@alcove/server/node';
import { trip } from '../../room.ts';
import { SECRET_FILE } from './trip-access.ts';

/** What the demo and its server keep in a dataDir. Anything else in that folder is somebody else's. */
const KEPT = ['rooms', 'images', 'alcove.lock', 'alcove.holder', SECRET_FILE];

/**
 * Deletes all trips of a dataDir, with everything else that a server keeps there: every link to them is dead, and the folder itself where nothing else is in it.
 *
 * @param onDeleting called first, with what will be gone; not where there is nothing
 * @throws AlcoveError `data_dir_locked`: a server is using it; nothing is deleted then
 */
export async function reset(dataDir: string, log: Logger, onDeleting: (trips: number) => void): Promise<void> {
  if (!existsSync(dataDir)) return;
  // Whoever can start a server there holds the folder alone.
  const server = await createServer({ rooms: [trip], dataDir, authenticate: () => null, signals: false, log });
  await server.close();
  const rooms = join(dataDir, 'rooms', trip.name);
  onDeleting(existsSync(rooms) ? readdirSync(rooms).filter((name) => name.endsWith('.sqlite')).length : 0);
  for (const name of KEPT) rmSync(join(dataDir, name), { recursive: true, force: true });
  if (readdirSync(dataDir).length === 0) rmdirSync(dataDir);
}
