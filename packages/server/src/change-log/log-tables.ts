import type { Database } from '@alcove/core/sqlite/database';

/**
 * The room's own tables in its file. Mutators cannot reach them (names that begin with `alcove_` are refused in definitions), tabs never see them.
 *
 * - `alcove_meta`: what rarely changes, see `RoomMeta`.
 * - `alcove_log`: one row a version above the floor. `total_bytes` adds up `bytes` since the history began, so that the log's size is two lookups.
 *   `record` stands last: SQLite walks a long value's pages to reach a column behind it.
 * - `alcove_hashes`: the hash of one in N versions below the floor.
 * - `alcove_clients`, `alcove_rejections`: what makes a mutation take effect at most once and a rejection be told, see room/client-rows.ts. Rows of the
 *   group `$server` are the idempotency keys of the server's own calls; each kind is looked through by silence, so each has its index.
 * - `alcove_counters`: what of each client's running total is part of a counter's row.
 * - `alcove_schemas`: every definition this room ever ran, in order. `alcove_migrations`: migrations that ran.
 */
const DDL = `
CREATE TABLE alcove_meta (name text PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
CREATE TABLE alcove_log (
  version integer PRIMARY KEY, schema text NOT NULL, at_ms integer NOT NULL, bytes integer NOT NULL, total_bytes integer NOT NULL,
  hash text NOT NULL, acks text NOT NULL, record text NOT NULL);
CREATE TABLE alcove_hashes (version integer PRIMARY KEY, hash text NOT NULL);
CREATE TABLE alcove_clients (
  client_id text PRIMARY KEY NOT NULL, group_id text NOT NULL, subject text NOT NULL, last_mutation_id integer NOT NULL,
  last_version integer NOT NULL, first_version integer NOT NULL, seen_ms integer NOT NULL) WITHOUT ROWID;
CREATE INDEX alcove_clients_group ON alcove_clients (group_id);
CREATE INDEX alcove_clients_seen ON alcove_clients (seen_ms) WHERE group_id <> '$server';
CREATE INDEX alcove_keys_seen ON alcove_clients (seen_ms) WHERE group_id = '$server';
CREATE TABLE alcove_rejections (
  client_id text NOT NULL, mutation_id integer NOT NULL, version integer NOT NULL, code text NOT NULL, message text NOT NULL,
  PRIMARY KEY (client_id, mutation_id)) WITHOUT ROWID;
CREATE TABLE alcove_counters (
  client_id text NOT NULL, name text NOT NULL, key text NOT NULL, total numeric NOT NULL, offer integer NOT NULL,
  PRIMARY KEY (client_id, name, key)) WITHOUT ROWID;
CREATE TABLE alcove_schemas (position integer PRIMARY KEY, schema text NOT NULL, model text NOT NULL, version integer NOT NULL, at_ms integer NOT NULL);
CREATE TABLE alcove_migrations (
  position integer PRIMARY KEY, id text NOT NULL UNIQUE, checksum text NOT NULL, version integer NOT NULL, at_ms integer NOT NULL);
`;

/** Creates them all; inside the transaction that creates the room. */
export function createLogTables(database: Database): void {
  database.exec(DDL);
}

/** `empty`: nothing in the file. `room`: ours. `tables`: somebody's tables and none of ours. */
export function fileKind(database: Database): 'empty' | 'room' | 'tables' {
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
    .map(([name]) => name);
  if (names.length === 0) return 'empty';
  return names.includes('alcove_meta') && names.includes('alcove_log') ? 'room' : 'tables';
}
