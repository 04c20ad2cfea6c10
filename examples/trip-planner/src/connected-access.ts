import { useEffect } from 'react';
import type { Links } from './panels/share.tsx';
import { keyInHand, keyServed } from './start/known-keys.ts';
import { addressWith, pathOfTrip } from './trip-address.ts';
import { tripHooks } from './trip-client.ts';
import { lookKeyIn } from './trip-key.ts';

const { useConnection, useSyncStatus } = tripHooks;

/** What this page may do in its trip, and the links it can hand out. */
export function useAccess(id: string) {
  const { state, error } = useConnection();
  const { user, replica } = useSyncStatus();
  const key = keyInHand(id);
  useEffect(() => {
    if (state === 'connected') keyServed(id);
  }, [id, state]);
  const refused = state === 'failed' && error?.code === 'forbidden';
  return {
    /** By the server's word; until there is one, by the key's. */
    mayEdit: (user?.['role'] ?? key?.role) === 'edit',
    /** The server does not let this page in, and nothing is kept here that could be shown. */
    isShut: refused && replica === 'pending',
    links: linksOf(id, key),
  };
}

function linksOf(id: string, key: ReturnType<typeof keyInHand>): Links {
  const address = location.origin + pathOfTrip(id);
  if (key === null) return { edit: null, look: null };
  return { edit: key.role === 'edit' ? addressWith(address, key) : null, look: addressWith(address, lookKeyIn(key)) };
}
