import { AlcoveError } from '@alcove/core/error';

/**
 * What `where` lacks of the platform for rooms to be kept; null: nothing. Without locks nobody knows whose is what, and two tabs would send the same mutations under two
 * names; so it is all or nothing.
 */
export function missingForStorage(where: 'this page' | 'this page’s worker'): AlcoveError | null {
  const missing: string[] = [];
  if (globalThis.navigator?.locks === undefined) missing.push('Web Locks (navigator.locks)');
  if (globalThis.indexedDB === undefined) missing.push('IndexedDB');
  if (globalThis.BroadcastChannel === undefined) missing.push('BroadcastChannel');
  if (missing.length === 0) return null;
  const isInsecure = globalThis.isSecureContext === false;
  return new AlcoveError('storage_unavailable', `rooms are kept in memory only: ${where} has no ${missing.join(', no ')}`, {
    ...(isInsecure ? { hint: 'The page is not secure: serve it over https, or from localhost.' } : {}),
  });
}
