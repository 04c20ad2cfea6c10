import type { Database } from '@alcove/core/sqlite/database';
import type { Clients } from '../world/clients.ts';

/** What is known of a client: whose browser it is of, which group the room has it bound to, and whether the room remembers it. */
export function clientLookUps(clients: Clients, roomDatabase: () => Database | null) {
  const groupOf = (clientId: string): string | undefined => {
    const row = roomDatabase()?.prepare('SELECT group_id FROM alcove_clients WHERE client_id = ?').get([clientId]);
    return row === undefined ? undefined : String(row[0]);
  };
  const firstVersionOf = (clientId: string): number | undefined => {
    const row = roomDatabase()?.prepare('SELECT first_version FROM alcove_clients WHERE client_id = ?').get([clientId]);
    return row === undefined ? undefined : Number(row[0]);
  };
  return {
    firstVersionOf,
    ownerOf: (clientId: string): string | undefined => clients.groupOf(clientId),
    groupOf,
    isRemembered: (clientId: string): boolean => groupOf(clientId) !== undefined,
  };
}
