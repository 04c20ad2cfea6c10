import { quoteIdentifier } from '@alcove/core/sqlite/identifier';
import { type MirrorNames, quoteText } from './mirror-names.ts';

/** What says of a schema or a role that it is this mirror's, and of which part. */
export const markOf = (names: MirrorNames, part: string): string => `mirror ${names.prefix}: ${part}`;

/**
 * The schema of what is about all rooms, but for its functions and who may do what there, which come after. Runs again and again without harm, in one transaction.
 *
 * - `watermarks`: where the mirror stands in each room. `position` is where a first copy has got to, null when it is whole; `version` is what is there, and only
 *   where `state` is `live` are the rows those of that version. `hash` is the room's log's at it, `schema_id` of the definition that the rows were taken under. What an
 *   older build made of it is brought up by `watermarkUpgrades`.
 * - `secret`: one row, for the owner alone.
 */
export const controlDdl = (names: MirrorNames): readonly string[] => [
  `CREATE SCHEMA IF NOT EXISTS ${names.control}`,
  `COMMENT ON SCHEMA ${names.control} IS ${quoteText(markOf(names, 'watermarks'))}`,
  `REVOKE ALL ON SCHEMA ${names.control} FROM PUBLIC`,
  `CREATE TABLE IF NOT EXISTS ${names.watermarks} (
    room text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, history_id text NOT NULL, version bigint NOT NULL, hash text,
    state text NOT NULL CONSTRAINT ${STATE_CHECK} ${STATES}, schema_id text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz, position jsonb,
    PRIMARY KEY (room, id))`,
  `CREATE TABLE IF NOT EXISTS ${names.secret} (
    single boolean PRIMARY KEY DEFAULT true CHECK (single), secret bytea NOT NULL, inner_pad bytea NOT NULL, outer_pad bytea NOT NULL)`,
  `REVOKE ALL ON ${names.secret}, ${names.watermarks} FROM PUBLIC, ${roles(names)}`,
];

/** What the reader and analysts may do of what is about all rooms. */
export const controlRights = (names: MirrorNames, owner: string): readonly string[] => [
  `REVOKE ALL ON FUNCTION ${names.sessionAddress}(), ${names.sessionRoom}(text) FROM PUBLIC`,
  `GRANT EXECUTE ON FUNCTION ${names.sessionAddress}(), ${names.sessionRoom}(text) TO ${quoteIdentifier(names.readerRole)}, ${quoteIdentifier(owner)}`,
  `GRANT USAGE ON SCHEMA ${names.control} TO ${roles(names)}`,
  `GRANT SELECT ON ${names.watermarks} TO ${roles(names)}`,
];

const STATE_CHECK = 'watermarks_state_check';
const STATES = "CHECK (state IN ('syncing', 'live', 'deleted', 'retired'))";

/** What a table of watermarks lacks that an older build made. @param found Its columns, and its rule of states as PostgreSQL tells it (null: none). */
export const watermarkUpgrades = (
  names: MirrorNames,
  found: { readonly columns: readonly string[]; readonly states: string | null },
): readonly string[] => [
  ...(found.columns.includes('hash') ? [] : [`ALTER TABLE ${names.watermarks} ADD COLUMN hash text`]),
  ...(found.states?.includes("'retired'") === true
    ? []
    : [`ALTER TABLE ${names.watermarks} DROP CONSTRAINT IF EXISTS ${STATE_CHECK}, ADD CONSTRAINT ${STATE_CHECK} ${STATES}`]),
];

/** Answers one row for `watermarkUpgrades`. */
export const FOUND_WATERMARKS = `SELECT
  ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped) AS columns,
  (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND conname = '${STATE_CHECK}') AS states`;

const roles = (names: MirrorNames): string => `${quoteIdentifier(names.readerRole)}, ${quoteIdentifier(names.analystRole)}`;

/** A function, by the name that PostgreSQL finds it by. */
export interface FunctionSql {
  readonly signature: string;
  readonly sql: string;
}

/**
 * - `session_address()`: the room that a session has proven to be allowed to read, as (definition, id, good until, MAC). It fails without a proof rather than find nothing.
 * - `session_room(definition)`: that room's id, where it is of this definition and complete; else null.
 *
 * Both run as their owner. The given MAC is compared by its hash, so that the time it takes tells nothing of the right one.
 * PARALLEL SAFE: they read, and settings reach parallel workers.
 */
export const controlFunctions = (names: MirrorNames): readonly FunctionSql[] => [
  {
    signature: `${names.sessionAddress}()`,
    sql: `CREATE OR REPLACE FUNCTION ${names.sessionAddress}() RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  parts text[] := string_to_array(current_setting(${quoteText(names.setting)}, true), '/');
  mac text;
BEGIN
  IF parts IS NULL OR cardinality(parts) <> 4 THEN
    RAISE EXCEPTION 'this session has opened no room' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT encode(sha256(outer_pad || sha256(inner_pad || convert_to(parts[1] || '/' || parts[2] || '/' || parts[3], 'UTF8'))), 'hex')
    INTO STRICT mac FROM ${names.secret};
  IF sha256(convert_to(parts[4], 'UTF8')) <> sha256(convert_to(mac, 'UTF8')) THEN
    RAISE EXCEPTION 'this session has proven no right to the room it names' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF to_timestamp(parts[3]::double precision / 1000) < now() THEN
    RAISE EXCEPTION 'what opened the room is too old, or the times of the servers are apart' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN parts;
END
$body$`,
  },
  {
    signature: `${names.sessionRoom}(text)`,
    sql: `CREATE OR REPLACE FUNCTION ${names.sessionRoom}(definition text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  address text[] := ${names.sessionAddress}();
BEGIN
  RETURN (SELECT w.id FROM ${names.watermarks} w
    WHERE w.room = definition AND w.room = address[1] AND w.id = address[2] AND w.state = 'live');
END
$body$`,
  },
];

export interface PolicySql {
  readonly name: string;
  readonly sql: string;
}

/** Who sees which watermarks. The owner's is there because it is under row security itself. */
export const watermarkPolicies = (names: MirrorNames, owner: string): readonly PolicySql[] => [
  policy(names.watermarks, 'owner', owner, 'true'),
  policy(
    names.watermarks,
    'reader',
    names.readerRole,
    `room = (SELECT (${names.sessionAddress}())[1]) AND id = (SELECT (${names.sessionAddress}())[2])`,
  ),
  policy(names.watermarks, 'analyst', names.analystRole, 'true'),
];

/** Who sees which rows of a table: the reader those of the room that it has opened, analysts those of all rooms that are complete. */
export function tablePolicies(names: MirrorNames, owner: string, definition: string, table: string): readonly PolicySql[] {
  const full = names.tableOf(definition, table);
  const name = quoteText(definition);
  return [
    policy(full, 'owner', owner, 'true'),
    policy(full, 'reader', names.readerRole, `room_id = (SELECT ${names.sessionRoom}(${name}))`),
    policy(
      full,
      'analyst',
      names.analystRole,
      `room_id IN (SELECT w.id FROM ${names.watermarks} w WHERE w.room = ${name} AND w.state = 'live')`,
    ),
  ];
}

/** Only the owner's is for writing too. */
const policy = (table: string, name: string, role: string, using: string): PolicySql => ({
  name,
  sql: `CREATE POLICY ${name} ON ${table} ${name === 'owner' ? 'FOR ALL' : 'FOR SELECT'} TO ${quoteIdentifier(role)} USING (${using})`,
});
