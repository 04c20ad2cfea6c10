/**
 * Names that belong to Alcove and SQLite inside a room's or a replica's database, and to Litestream, which makes tables of its own in the files that it copies: those are passed over. Apps may not begin a
 * table or an index with one of these prefixes.
 */
export const RESERVED_PREFIXES: readonly string[] = ['alcove_', 'sqlite_', '_litestream_'];

/** Debounced values: replicated, last of every room's tables; its model and DDL come from schema/values-table.ts. */
export const VALUES_TABLE = 'alcove_values';

/** One row that says whether writes are captured just now. Never replicated. */
export const CAPTURE_STATE_TABLE = 'alcove_capture_state';
/** Before `<n>`: rows of the n-th replicated table as they were before the changes captured since the last take. Never replicated. */
export const CAPTURE_TABLE_PREFIX = 'alcove_capture_';
/** Before `<n>_<what>`: triggers that refuse values which change sets could not carry. */
export const CHECK_TRIGGER_PREFIX = 'alcove_check_';

/** Whether only Alcove and SQLite themselves may use `name` (ASCII case does not matter). */
export const isReservedName = (name: string): boolean => RESERVED_PREFIXES.some((prefix) => name.toLowerCase().startsWith(prefix));
