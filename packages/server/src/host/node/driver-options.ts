/** How a Node driver opens a database file. */
export interface DriverOptions {
  /** No writes through this connection; the file must exist. */
  readonly readonly?: boolean;
  /** What a commit waits for: FULL (the default) for the disk, NORMAL for the disk only at checkpoints (a power cut may lose the last commits), OFF for nothing. */
  readonly synchronous?: 'FULL' | 'NORMAL' | 'OFF';
  /** Whether a missing file is made; true unless `readonly`. */
  readonly create?: boolean;
  readonly statementCacheMax?: number;
}

/** One writer a file is the rule, so a lock held by another process is an accident: the event loop, and with it every other room, waits for it only shortly, then `overloaded`. */
export const BUSY_TIMEOUT_MS = 250;

/** Statements every connection starts with. */
export function connectionPragmas(options: DriverOptions): string {
  return [
    ...(options.readonly === true ? ['query_only = ON'] : ['journal_mode = WAL', `synchronous = ${options.synchronous ?? 'FULL'}`]),
    `busy_timeout = ${BUSY_TIMEOUT_MS}`,
    'foreign_keys = ON',
    'recursive_triggers = ON',
    'trusted_schema = OFF',
  ]
    .map((pragma) => `PRAGMA ${pragma};`)
    .join('\n');
}
