import { formatMinute, formatNumber, plural } from './words.ts';

/** Where one history of the trip ended for this page, and another began. */
export interface PutBack {
  /** The newest version this page showed before. */
  readonly seenVersion: number;
  /** The first one it showed after. */
  readonly version: number;
  /** Wall clock of that. */
  readonly atMs: number;
}

/** What to tell everybody who had the trip open when its server was put back. The version that came may be a later one than the one it was put back to: others may have written since. */
export function wordsForPutBack({ seenVersion, version, atMs }: PutBack): string {
  const to = version < seenVersion ? `to how it was at version ${formatNumber(version)} or before` : 'to an earlier state';
  return `The server was put back ${to}: what was changed after that is gone, whoever changed it. This page showed version ${formatNumber(seenVersion)} until ${formatMinute(atMs)}.`;
}

/** How much a newer version of this page left on the device, which this one can neither show nor send. */
export const wordsForUpdate = (waits: number): string =>
  `${plural(waits, 'change')} that a newer version of this page left on this device ${waits === 1 ? 'waits' : 'wait'} for it. Load the page again: once it comes in that version, ${waits === 1 ? 'it is' : 'they are'} sent.`;
