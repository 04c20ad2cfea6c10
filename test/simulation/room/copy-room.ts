import { readFileSync, rmSync } from 'node:fs';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';

/** What `runCopyJob` leaves out: whose mutations the room has seen, and tables that stay in the room. */
const EMPTIED = ['alcove_clients', 'alcove_rejections', 'alcove_counters', 'ledger'];

/** A room's file at one version as a follower fetches it: without its free pages, and without what is the room's own business. */
export function copyRoom(path: string): Buffer {
  const copy = `${path}-copy`;
  rmSync(copy, { force: true });
  const room = openDatabase(path, { synchronous: 'OFF', create: false });
  try {
    room.exec(`VACUUM INTO '${copy}'`);
  } finally {
    room.close();
  }
  const made = openDatabase(copy, { synchronous: 'OFF' });
  try {
    made.setForeignKeys(false);
    for (const table of EMPTIED) made.exec(`DELETE FROM ${table}`);
    made.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  } finally {
    made.close();
  }
  const bytes = readFileSync(copy);
  for (const ending of ['', '-wal', '-shm']) rmSync(copy + ending, { force: true });
  return bytes;
}
