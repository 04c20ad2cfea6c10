import { createClient } from '@alcove/client';
import { createRoomHooks } from '@alcove/react';
import { trip } from '../room.ts';
import { currentVisitor } from './visitor.ts';

export const tripHooks = createRoomHooks(trip);

/** This page's one client: the server is the one that the page came from. */
export const tripClient = createClient({
  url: '/sync',
  user: currentVisitor().id,
  auth: () => currentVisitor().id,
  worker: () => new Worker(new URL('./room.worker.ts', import.meta.url), { type: 'module' }),
});
