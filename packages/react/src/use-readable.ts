import type { Readable } from '@alcove/client';
import { useSyncExternalStore } from 'react';

/** The current value of something readable. On a server, and while hydrating, what it is before anything happened. */
export function useReadable<Value>(readable: Readable<Value>, onServer: () => Value = readable.getSnapshot): Value {
  return useSyncExternalStore(readable.subscribe, readable.getSnapshot, onServer);
}
