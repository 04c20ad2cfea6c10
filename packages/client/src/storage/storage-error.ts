import { AlcoveError } from '@alcove/core/error';

/** What the platform threw, in our words. `doing`: what was tried. */
export function storageError(cause: unknown, doing: string): AlcoveError {
  if (cause instanceof AlcoveError) return cause;
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : '';
  const message = cause instanceof Error || cause instanceof DOMException ? cause.message : String(cause);
  if (name === 'QuotaExceededError')
    return new AlcoveError('storage_full', `the browser’s storage is full (${doing}): ${message}`, { cause });
  if (name === 'VersionError')
    return new AlcoveError('update_needed', `a newer build of the app wrote what is stored here (${doing})`, { cause });
  return new AlcoveError('storage_failed', `the browser’s storage failed (${doing}): ${name} ${message}`, { cause });
}
