import { roomDdl } from '@alcove/core/schema/ddl';
import { createLogTables } from '../../../packages/server/src/change-log/log-tables.ts';
import { playground } from '../room/playground.ts';
import { RoomDisk } from '../room/room-disk.ts';
import type { Prng } from '../../fake/prng.ts';

export const DECOY_ID = 'decoy';
/** Far above what any room of a run gets to. */
export const DECOY = { historyId: 'decoy-history', version: 1_000_000 } as const;
export const DECOY_ACCOUNTS: readonly (readonly [string, number])[] = [
  ['a', 7_001],
  ['d', 7_002],
];

/** Another room of the same definition and the same servers, with other rows: nothing of it may be read as the room's, nor the other way round. */
export function makeDecoy(random: Prng): RoomDisk {
  const disk = new RoomDisk(random);
  const database = disk.open();
  for (const sql of roomDdl(playground.model, { serverOnly: true })) database.exec(sql);
  createLogTables(database);
  const meta = database.prepare('INSERT INTO alcove_meta (name, value) VALUES (?, ?)');
  meta.run(['historyId', DECOY.historyId]);
  meta.run(['floor', DECOY.version]);
  for (const [id, balance] of DECOY_ACCOUNTS) database.prepare('INSERT INTO accounts (id, balance) VALUES (?, ?)').run([id, balance]);
  return disk;
}
