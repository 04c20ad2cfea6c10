/** Statements by which whoever has the reader role, and a room of its own open in a transaction that may write, might see another room's rows. */

const rows = 'SELECT * FROM t_ledger.items';

/** Each with every forged proof in the place of `<forged>`. */
const WITH_ANOTHER_SETTING: readonly string[] = [
  `SELECT set_config('t.room', '<forged>', true); ${rows}`,
  `SELECT i.*, set_config('t.room', '<forged>', true) FROM t_ledger.items i`,
  `SET t.room = '<forged>'; ${rows}`,
  `WITH s AS MATERIALIZED (SELECT set_config('t.room', '<forged>', true)) SELECT i.* FROM s, t_ledger.items i`,
  `DECLARE c CURSOR FOR ${rows}; SELECT set_config('t.room', '<forged>', true); FETCH ALL FROM c`,
  `PREPARE p AS ${rows}; SELECT set_config('t.room', '<forged>', true); EXECUTE p; DEALLOCATE p`,
  `CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$; SET search_path = pg_temp, pg_catalog; SELECT set_config('t.room', '<forged>', true); ${rows}`,
];

const OTHERS: readonly string[] = [
  rows,
  `${rows} WHERE room_id = 'theirs'`,
  `${rows} WHERE room_id = 'theirs' OR true`,
  `SELECT count(*) FILTER (WHERE room_id = 'theirs') AS hidden, max(label) FROM t_ledger.items`,
  `SELECT * FROM t.watermarks`,
  `RESET t.room; ${rows}`,
  `RESET ALL; ${rows}`,
  // Rights and roles.
  `SET ROLE postgres; ${rows}`,
  `SET SESSION AUTHORIZATION postgres; ${rows}`,
  `SET ROLE t_analyst; ${rows}`,
  `SET row_security = off; ${rows}`,
  `ALTER TABLE t_ledger.items DISABLE ROW LEVEL SECURITY`,
  `CREATE POLICY all_of_it ON t_ledger.items USING (true)`,
  `GRANT ALL ON t.secret TO t_reader`,
  `SELECT * FROM t.secret`,
  `SELECT encode(secret, 'hex') FROM t.secret`,
  `COPY t_ledger.items TO STDOUT`,
  `COPY (SELECT 1) TO PROGRAM 'cat /etc/passwd'`,
  `SELECT pg_read_file('PG_VERSION')`,
  `SELECT * FROM pg_authid`,
  // What a function that sees rows before the rule would tell.
  `CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$; ${rows} WHERE pg_temp.tell(label)`,
  `CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE EXCEPTION '%', $1; END $$; ${rows} WHERE label <> 'seen' AND pg_temp.tell(label)`,
  `CREATE TEMP VIEW v AS ${rows}; SELECT * FROM v`,
  `CREATE TABLE public.copy AS ${rows}`,
  `CREATE FUNCTION pg_temp.mine(text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT label FROM t_ledger.items LIMIT 1 $$; SELECT pg_temp.mine('')`,
  `CREATE OR REPLACE FUNCTION t.session_room(text) RETURNS text LANGUAGE sql AS $$ SELECT 'theirs' $$`,
  `${rows} WHERE CASE WHEN label = 'hidden label' THEN 1 / 0 = 1 ELSE true END`,
  `${rows} WHERE CAST(label AS integer) > 0`,
  `${rows} WHERE n / (n - 41) > 0`,
  `INSERT INTO t_ledger.items (room_id, id) VALUES ('theirs', 'hidden key')`,
  `UPDATE t_ledger.items SET label = label RETURNING *`,
  `DELETE FROM t_ledger.items RETURNING *`,
  // What statistics and catalogs keep.
  `SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname = 't_ledger'`,
  `SELECT stavalues1::text FROM pg_statistic`,
  `SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()`,
  `EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) ${rows}`,
  `TABLE t_ledger.alcove_values`,
  `SELECT t.session_room('ledger')`,
  `SELECT t.session_address()`,
];

/** All of them. `forged`: what might be taken for a proof. */
export const attemptsWith = (forged: readonly string[]): readonly string[] => [
  ...OTHERS,
  ...WITH_ANOTHER_SETTING.flatMap((statement) => forged.map((proof) => statement.replaceAll('<forged>', proof))),
];
