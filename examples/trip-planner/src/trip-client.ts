import { createClient } from '@alcove/client';
import { createRoomHooks } from '@alcove/react';
import { trip } from '../room.ts';
import { keyInHand } from './start/known-keys.ts';
import { tripIdOf } from './trip-address.ts';
import { tokenOf } from './trip-key.ts';
import { currentVisitor } from './visitor.ts';

export const tripHooks = createRoomHooks(trip);

/** This page's one client: the server is the one that the page came from. */
export const tripClient = createClient({
  url: '/sync',
  user: currentVisitor().id,
  auth: token,
  worker: () => new Worker(new URL('./room.worker.ts', import.meta.url), { type: 'module' }),
});

/** Asked for at every connection: the key may be another one by then. */
function token(): string | null {
  const id = tripIdOf(location.pathname);
  const key = id === null ? null : keyInHand(id);
  return id === null || key === null ? null : tokenOf(currentVisitor().secret, id, key);
}
