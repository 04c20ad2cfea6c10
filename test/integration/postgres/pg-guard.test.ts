import { AlcoveError } from '@alcove/core/error';
import type { Claims } from '@alcove/core/schema/define-mutator';
import type { TableModel } from '@alcove/core/schema/room-model';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openDatabase } from '../../../packages/server/src/host/node/open-database.ts';
import { neutralCondition } from '../../../packages/server/src/read/neutral-sql.ts';
import { codeOf, ReplicaReads, type ReplicaRoom } from '../../contract/replica-reads.ts';
import { Prng } from '../../fake/prng.ts';
import { PgCluster } from './pg-cluster.ts';
import { type PgNode, until } from './pg-node.ts';
import { PgWorld } from './pg-world.ts';
import { eventually } from '../../fake/eventually.ts';

const ADA: Claims = { sub: 'ada' };
/** Waits for the server are long, for a connection short. */
const NOW = (): AbortSignal => new AbortController().signal;

let cluster: PgCluster;
let standby: PgNode;
let world: PgWorld;
let room: ReplicaRoom;
let other: ReplicaRoom;
let reads: ReplicaReads;

beforeAll(async () => {
  cluster = await PgCluster.start({ standbys: 1, settings: { max_standby_streaming_delay: '0' } });
  standby = cluster.standbys[0] as PgNode; // one was asked for
  world = await PgWorld.open(cluster.primary, standby);
  room = await world.makeRoom();
  other = await world.makeRoom();
  reads = new ReplicaReads(world, room);
  await other.mutate('putNote', { id: 'x', owner: 'ada', body: 'other-canary', secret: null });
  await room.mutate('putNote', { id: 'a', owner: 'ada', body: 'mine', secret: 'column-canary' });
  await room.mutate('putNote', { id: 'b', owner: 'bo', body: 'row-canary', secret: null });
  const atLeast = await room.mutate('putStop', { id: 's', city: 'Kyoto', nights: 3 });
  await reads.rows('SELECT 1 AS one', { atLeast });
});

afterAll(async () => {
  await world?.close();
  await cluster?.close();
});

/** Writes, other rooms, hidden rows, other tables, settings, files, other sessions, in every disguise; $1 where a parameter may carry it. */
const BAD = [
  'DELETE FROM notes',
  'WITH x AS (DELETE FROM notes RETURNING *) SELECT * FROM x',
  'SELECT * FROM notes; DELETE FROM notes',
  'SELECT * INTO stolen FROM notes',
  'EXPLAIN ANALYZE SELECT 1',
  'COPY notes TO STDOUT',
  'DO $$ BEGIN END $$',
  'SELECT * FROM PREFIX_read.notes',
  'SELECT * FROM "PREFIX_read"."notes"',
  'SELECT * FROM "PREFIX_read"/**/./**/notes',
  'SELECT * FROM PREFIX.watermarks',
  'SELECT * FROM PREFIX.secret',
  "SELECT PREFIX.session_room('read')",
  'TABLE PREFIX_read.notes',
  'SELECT 1) AS x, (SELECT * FROM PREFIX_read.notes',
  'SELECT * FROM pg_catalog.pg_authid',
  'SELECT * FROM pg_stat_activity',
  'SELECT table_name FROM information_schema.tables',
  'SELECT U&"\\0070g_authid"',
  "SELECT set_config('PREFIX.room', 'read/r2/99999999999999/00', false)",
  "SELECT current_setting('PREFIX.room')",
  "SELECT query_to_xml('SELECT * FROM PREFIX_read.notes', true, false, '')",
  "SELECT table_to_xml('PREFIX_read.notes', true, false, '')",
  "SELECT * FROM ts_stat('SELECT body::tsvector FROM PREFIX_read.notes')",
  "SELECT pg_read_file('/etc/passwd')",
  "SELECT pg_ls_dir('.')",
  'SELECT pg_sleep(60)',
  'SELECT pg_terminate_backend(pg_backend_pid())',
  'SELECT pg_cancel_backend(1)',
  "SELECT pg_notify('a', 'b')",
  'SELECT pg_advisory_lock(1)',
  "SELECT lo_from_bytea(0, 'x')",
  "SELECT dblink_connect('x')",
  "SELECT nextval('numbers')",
  'SELECT txid_current()',
  'SELECT * FROM audit',
  'SELECT notes::text FROM other_notes AS notes, nowhere',
  'SELECT room_id FROM notes',
  'SELECT ctid FROM notes',
  'SELECT tableoid FROM notes',
  'SELECT * FROM public.numbers',
];

/** What fails over a value and quotes it: none of it may be asked of what is hidden. */
const QUOTING = [
  'SELECT id FROM notes WHERE body::int > 0',
  'SELECT id FROM notes WHERE secret::int > 0',
  "SELECT id FROM notes WHERE body LIKE 'row%' AND body::date > now()",
  'SELECT n.id FROM notes n JOIN stops s ON s.nights = n.body::bigint',
  'SELECT id FROM notes ORDER BY (body::numeric)',
  "SELECT count(*) FILTER (WHERE body::boolean) FROM notes WHERE owner <> 'ada'",
  "SELECT id FROM stops WHERE city::int > 0 AND id = 'nobody'",
];

describe('[RD-86] SQL for PostgreSQL that is after something', () => {
  test('is refused or fails, tells nothing that is hidden, and leaves everything as it was', async () => {
    const before = await world.replica.digest(room.address, NOW());
    for (const template of BAD) {
      const text = template.replaceAll('PREFIX', world.access.prefix);
      const error = await reads.read(text, { claims: ADA }).then(
        (answer) => expect.fail(`answered: ${text}\n${answer.cells}`),
        (cause: unknown) => AlcoveError.from(cause),
      );
      expect(error.code, text).toMatch(/^sql_(?:refused|failed)$/);
      expect(`${error.message} ${error.hint}`).not.toMatch(/canary/);
    }
    expect(await world.replica.digest(room.address, NOW())).toEqual(before);
    expect(await reads.rows('SELECT id FROM notes', { claims: ADA })).toEqual([['a']]);
  });

  test('[RD-87] asks nothing of a row before its rule was asked, whatever fails over it', async () => {
    for (const text of QUOTING) {
      const told = await reads.read(text, { claims: ADA }).then(
        ({ cells }) => cells,
        (cause: unknown) => AlcoveError.from(cause).message,
      );
      expect(told, text).not.toMatch(/canary/);
    }
  });

  test('reaches no other room by what it binds, nor by settings of the session', async () => {
    const found = await reads.rows('SELECT body FROM notes WHERE id = ? OR body = ?', { params: ['x', 'other-canary'] });
    expect(found).toEqual([]);
    expect(await new ReplicaReads(world, other).rows('SELECT body FROM notes')).toEqual([['other-canary']]);
    expect(await codeOf(reads.read('SELECT 1 AS one', { params: ["'"] }))).toBe('sql_failed');
  });

  test('gives values as SQLite would, and says where it cannot', async () => {
    const kinds = `SELECT true AS a, 1.50::numeric AS b, 3::numeric AS c, '-0'::float8 AS d, 'Infinity'::float8 AS e, 'NaN'::float8 AS f, '[1]'::jsonb AS g,
      timestamptz '2027-01-02 03:04:05+09' AS h, interval '1 day' AS i, ARRAY[1,2] AS j, 'é'::varchar AS k, '\\x00ff'::bytea AS l, 9007199254740991 AS m`;
    expect((await reads.rows(kinds))[0]).toEqual([
      1,
      1.5,
      3,
      { r: '-0' },
      { r: 'Infinity' },
      null,
      '[1]',
      '2027-01-01 18:04:05+00',
      'P1D',
      '{1,2}',
      'é',
      { b: 'AP8=' },
      Number.MAX_SAFE_INTEGER,
    ]);
    expect(await codeOf(reads.read('SELECT 9007199254740992 AS a'))).toBe('sql_failed');
    expect(await codeOf(reads.read('SELECT 1 / (nights - 3) AS a FROM stops'))).toBe('sql_failed');
    expect(await reads.rows('SELECT ?::text AS a, ?::float8 AS b, ?::bigint AS c', { params: ['\u2028"', 0.1, Number.NaN] })).toEqual([
      ['\u2028"', 0.1, null],
    ]);
    expect(await codeOf(reads.read('SELECT ?::text AS a', { params: ['\0'] }))).toBe('sql_failed');
  });

  test('[RD-64] takes in no more of a row than an answer may hold, whatever PostgreSQL sends', async () => {
    const before = process.memoryUsage().rss;
    expect(await codeOf(reads.read("SELECT repeat('x', 60000000) AS a", { bytesMax: 100_000 }))).toBe('result_too_large');
    const cut = await reads.read("SELECT CASE WHEN i < 3 THEN 'x' ELSE repeat('x', 60000000) END AS a FROM generate_series(1, 9) i", {
      bytesMax: 100_000,
    });
    expect([cut.rows, cut.truncated]).toEqual([2, true]);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
    expect(await reads.rows('SELECT 2 AS two')).toEqual([[2]]);
  });
});

describe('[RD-65] what runs in PostgreSQL', () => {
  const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1::bigint UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n WHERE i < 0';
  const running = async (): Promise<number> =>
    Number(
      (
        await standby.query<{ n: string }>("SELECT count(*) AS n FROM pg_stat_activity WHERE usename LIKE '%_reader' AND state = 'active'")
      )[0]?.n,
    );

  test('has ended within a second, on the server, when its time is over or nobody waits', async () => {
    const end = new AbortController();
    const endless = [reads.read(ENDLESS, { signal: end.signal }), reads.read(ENDLESS, { timeoutMs: 3_000 })].map(codeOf);
    await until('both to run', async () => (await running()) === 2);
    end.abort();
    expect(await Promise.all(endless)).toEqual(['closed', 'query_timeout']);
    // A second, and what a busy machine takes to notice.
    await vi.waitFor(async () => expect(await running()).toBe(0), 1_000 + 2_000);
  });

  test('is unavailability, not the fault of the read, where it is in the way of what the standby applies', async () => {
    const slow = codeOf(reads.read(`${ENDLESS} OR i < (SELECT count(*) FROM notes)`, { timeoutMs: 20_000 }));
    await until('it to run', async () => (await running()) === 1);
    await cluster.primary.query(`CREATE TABLE gone AS SELECT 1; DROP TABLE gone`);
    await cluster.primary.query(`LOCK TABLE "${world.access.prefix}_read".notes IN ACCESS EXCLUSIVE MODE`).catch(() => undefined);
    await cluster.primary.query(`ALTER TABLE "${world.access.prefix}_read".notes SET (fillfactor = 90)`);
    await cluster.primary.query(`ALTER TABLE "${world.access.prefix}_read".notes ALTER COLUMN body SET STATISTICS 10`);
    await cluster.primary.query(`COMMENT ON TABLE "${world.access.prefix}_read".notes IS 'x'`);
    await cluster.primary.query(`DO $$ BEGIN LOCK TABLE "${world.access.prefix}_read".notes IN ACCESS EXCLUSIVE MODE; END $$`);
    expect(await slow).toBe('replica_unavailable');
  });
});

describe('[RD-92] a standby of the mirror', () => {
  test('is out once it is no standby of the primary, and says how old it is while it is one', async () => {
    const primary = world.reader('primary', cluster.primary);
    const watched = world.reader('watched', standby, { primary: (signal) => primary.position(signal) });
    try {
      expect((await watched.check(NOW())).ms).toBe(0);
      await standby.setApplyDelay(600_000);
      await room.mutate('putStop', { id: 'late', city: 'Nara' });
      await eventually(async () => expect((await watched.check(NOW())).ms).toBeGreaterThan(400));
      await standby.setApplyDelay(0);
      await eventually(async () => expect((await watched.check(NOW())).ms).toBe(0));
      const stranger = { system: '1', timeline: 1, lsn: 1n, isStandby: false, replayAgeMs: null };
      const strange = world.reader('strange', standby, { primary: () => Promise.resolve(stranger) });
      expect(await codeOf(strange.check(NOW()))).toBe('replica_unavailable');
      await strange.close();
      await standby.promote();
      await cluster.primary.query('CREATE TABLE later (a int)');
      expect(await codeOf(watched.check(NOW()))).toBe('replica_unavailable');
    } finally {
      await Promise.all([primary.close(), watched.close()]);
    }
  });
});

describe('[RD-87] rules in PostgreSQL and in SQLite', () => {
  const table = {
    name: 't',
    columns: [
      { name: 'owner', type: 'text' },
      { name: 'n', type: 'integer' },
      { name: 'price', type: 'real' },
    ],
  } as unknown as TableModel; // as far as rules look at it

  test('come to the same rows', async () => {
    const prng = new Prng('rules in two dialects');
    const values = [
      ['owner', [null, '', 'a', 'A', 'b', 'B', 'é', 'É', 'ab', "o'h", '🗾', 'Z', '_']],
      ['n', [null, 0, 1, -1, 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
      ['price', [null, 0, 0.5, -0.5, 1, 1e300, 7]],
    ] as const;
    const sqlite = openDatabase(':memory:');
    sqlite.exec('CREATE TABLE t (id integer PRIMARY KEY, owner text, n integer, price real)');
    await cluster.primary.query('CREATE TABLE public.t (id int, owner text COLLATE "C", n bigint, price double precision)');
    const rows = Array.from({ length: 150 }, (_, id) => [id, ...values.map(([, some]) => prng.pick<string | number | null>(some))]);
    for (const row of rows) sqlite.prepare('INSERT INTO t VALUES (?, ?, ?, ?)').run(row);
    await cluster.primary.query('INSERT INTO t SELECT * FROM json_to_recordset($1) AS r(id int, owner text, n bigint, price float8)', [
      JSON.stringify(rows.map(([id, owner, n, price]) => ({ id, owner, n, price }))),
    ]);
    const value = (column: number): string => {
      const some = prng.pick<string | number | null>(values[column]?.[1] ?? []);
      return some === null ? 'NULL' : typeof some === 'string' ? `'${some.replaceAll("'", "''")}'` : String(some).replace('e+', 'e');
    };
    const condition = (depth: number): string => {
      const at = prng.int(0, 2);
      const column = prng.pick([values[at]?.[0] ?? '', `"t"."${values[at]?.[0] ?? ''}"`]);
      const leaves = [
        () => `${column} ${prng.pick(['=', '<>', '<', '<=', '>', '>=', '!=', '=='])} ${value(at)}`,
        () => `${column} IS ${prng.pick(['', 'NOT '])}NULL`,
        () => `${column} ${prng.pick(['IS', 'IS NOT'])} ${value(at)}`,
        () => `${column} ${prng.pick(['', 'NOT '])}IN (${prng.pick(['', value(at), `${value(at)}, ${value(at)}`])})`,
        () => `${column} ${prng.pick(['', 'NOT '])}BETWEEN ${value(at)} AND ${value(at)}`,
        () => `${prng.pick(['upper', 'lower'])}(coalesce(owner, ${value(0)}, 'z')) || 'x' > ${value(0)}`,
        () => (prng.chance(0.5) ? 'n' : 'price'),
        () => `n ${prng.pick(['=', '<', '>='])} price`,
      ];
      if (depth === 0 || prng.chance(0.3)) return prng.pick(leaves)();
      const inner = (): string => condition(depth - 1);
      return prng.pick([
        () => `(${inner()} AND ${inner()})`,
        () => `${inner()} OR ${inner()}`,
        () => `NOT (${inner()})`,
        () => `(${inner()}) IS ${prng.pick(['', 'NOT '])}${prng.pick(['TRUE', 'FALSE'])}`,
      ])();
    };
    const asked = Array.from({ length: 300 }, () => condition(3));
    const told = asked.map((text) => neutralCondition(text, [], table));
    const ours = asked.map((text) => sqlite.prepare(`SELECT id FROM t WHERE (${text}) IS TRUE ORDER BY id`).all().flat());
    sqlite.close();
    const theirs = await cluster.primary.query<{ at: number; ids: number[] }>(
      told.map((text, at) => `SELECT ${at} AS at, ARRAY(SELECT id FROM t WHERE (${text}) IS TRUE ORDER BY id) AS ids`).join(' UNION ALL '),
    );
    for (const { at, ids } of theirs) expect(ids, `${asked[at]}\n${told[at]}`).toEqual(ours[at]);
    expect(theirs).toHaveLength(asked.length);
    expect(new Set(ours.map((ids) => ids.length)).size).toBeGreaterThan(20);
  });
});
