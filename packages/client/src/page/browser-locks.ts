import type { PageLocks } from './room-locks.ts';

/** The page's Web Locks; null where the browser has none for it (pages that are not secure). */
export function browserLocks(): PageLocks | null {
  const locks: LockManager | undefined = globalThis.navigator?.locks;
  if (locks === undefined) return null;
  return {
    hold: (name, signal) =>
      new Promise((resolve, reject) => {
        locks.request(name, { signal }, () => new Promise<void>((release) => resolve(() => release()))).catch(reject);
      }),
  };
}
