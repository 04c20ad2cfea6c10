import { AlcoveError } from '@alcove/core/error';
import type { Runtime } from '@alcove/core/runtime/runtime';
import { HEADER_KEY, type RoomDisk } from './disk.ts';
import type { Header } from './header.ts';
import { unseal } from './seal.ts';
import type { StoredClient } from './storage.ts';

/** Client groups that a place is known by to those who keep something there. */
export function keptGroups(runtime: Runtime, disk: RoomDisk): Promise<string[]> {
  return disk.transact('look for its groups', { tables: ['header', 'clients'], mode: 'read' }, async (transaction) => {
    const [header, rows] = await Promise.all([transaction.get('header', HEADER_KEY), transaction.getAll('clients')]);
    const groups = [unseal<Header>(runtime, header)?.groupId, ...rows.map((row) => unseal<StoredClient>(runtime, row)?.groupId)];
    return [...new Set(groups.filter((groupId) => typeof groupId === 'string'))];
  });
}

/** What `open` says to those who kept something there: nothing of it may be kept again. */
export const forgottenError = (): AlcoveError => new AlcoveError('closed', 'what was kept of the room was forgotten');
