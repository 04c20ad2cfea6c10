import { copyFileSync } from 'node:fs';
import { defineRoom, mutator } from '@alcove/core';
import { createServer } from '@alcove/server/node';
import { sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import pg from 'pg';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { ledger, put } from './ledger-room.ts';
import type { MirrorWorld } from './mirror-world.ts';
import { MirrorWorlds } from './mirror-worlds.ts';

const worlds = MirrorWorlds.ofFile('u');

const pages = sqliteTable('pages', { id: text().primaryKey(), body: text() });
const covers = sqliteTable('covers', { id: text().primaryKey() });
const diary = defineRoom({
  name: 'diary',
  schema: { pages, covers },
  mutators: {
    write: mutator(v.string(), (tx, id) =>
      tx
        .insert(pages)
        .values({ id, body: `of ${id}` })
        .run(),
    ),
  },
});

const soon = { timeout: 15_000, interval: 30 };

describe('[MI-14] a mirror whose schema somebody dropped', () => {
  it('is made anew though no room moves, and its readers come back by themselves', async () => {
    const world = worlds.begin();
    const server = await world.server();
    const room = server.room(ledger, 'a');
    await room.mutate.run([put('1', { n: 1 }), put('2', { n: 2 })]);
    await world.level(server, 'a');
    const read = (): Promise<unknown> =>
      room.sql(sql`SELECT sum(n)::int AS n FROM items`, { dialect: 'postgres' }).then(({ rows }) => rows);
    await vi.waitFor(async () => expect(await read()).toEqual([{ n: 3 }]), soon);
    const secret = async (): Promise<string> =>
      (await worlds.primary.query<{ secret: Buffer }>(`SELECT secret FROM ${world.prefix}.secret`))[0]?.secret.toString('hex') ?? '';
    const before = await secret();
    await worlds.primary.query(`DROP SCHEMA ${world.prefix} CASCADE`);
    await expect(read()).rejects.toMatchObject({ code: 'replica_unavailable' });
    await vi.waitFor(async () => expect(await read()).toEqual([{ n: 3 }]), { timeout: 25_000, interval: 100 });
    expect(await secret()).not.toBe(before);
    await room.mutate.run([put('3', { n: 3 })]);
    await world.level(server, 'a');
    expect(await read()).toEqual([{ n: 6 }]);
  }, 60_000);
});

describe('[MI-15] a definition that is mirrored no more', () => {
  const open = (world: MirrorWorld, rooms: string[], retentionMs = 3_600_000) =>
    world.also(
      createServer({
        rooms: [ledger, diary],
        dataDir: world.dataDir,
        signals: false,
        log: world.log,
        mirror: { url: worlds.primary.url, prefix: world.prefix, rooms, batchMs: 10, checkIntervalMs: 0, retentionMs },
      }),
    );
  const query = (text: string) => worlds.primary.query<Record<string, unknown>>(text);
  const becomes = (text: string, rows: readonly unknown[]): Promise<void> =>
    vi.waitFor(async () => expect(await query(text)).toEqual(rows), soon);
  const marks = ({ prefix }: MirrorWorld): string => `SELECT room, id, state, version FROM ${prefix}.watermarks ORDER BY room, id`;
  const mark = (id: string, state: string, version: number) => ({
    room: id === 'l' ? 'ledger' : 'diary',
    id,
    state,
    version: String(version),
  });
  const begun = async (world: MirrorWorld) => {
    const server = await open(world, ['ledger', 'diary']);
    await server.room(ledger, 'l').mutate.run([put('1')]);
    for (const id of ['d', 'gone']) await server.room(diary, id).mutate.write(`one of ${id}`);
    await becomes(marks(world), [mark('d', 'live', 1), mark('gone', 'live', 1), mark('l', 'live', 1)]);
    return server;
  };

  it('is shown to nobody from then on, and goes on where it was when it is mirrored again', async () => {
    const world = worlds.begin();
    const { prefix } = world;
    await (await begun(world)).close();
    await query(`CREATE ROLE ${prefix}_tool LOGIN PASSWORD 'tool' IN ROLE ${prefix}_analyst`);
    const tool = new pg.Client({ connectionString: worlds.primary.url.replace(/\/\/[^@]*@/, `//${prefix}_tool:tool@`) });
    await tool.connect();
    await world.also(Promise.resolve({ close: () => tool.end() }));
    const seen = (): Promise<unknown> =>
      tool.query(`SELECT id FROM ${prefix}_diary.pages ORDER BY id`).then(
        ({ rows }) => rows,
        (error: Error) => error.message,
      );
    expect(await seen()).toEqual([{ id: 'one of d' }, { id: 'one of gone' }]);

    const without = await open(world, ['ledger']);
    await becomes(marks(world), [mark('d', 'retired', 1), mark('gone', 'retired', 1), mark('l', 'live', 1)]);
    expect(await seen()).toBe(`permission denied for schema ${prefix}_diary`);
    await without.room(diary, 'd').mutate.write('two');
    await without.rooms.delete('diary', 'gone');
    expect(await query(`SELECT id FROM ${prefix}_diary.pages ORDER BY id`)).toEqual([{ id: 'one of d' }, { id: 'one of gone' }]);
    await without.close();

    const again = await open(world, ['ledger', 'diary']);
    await becomes(marks(world), [mark('d', 'live', 2), mark('gone', 'deleted', 1), mark('l', 'live', 1)]);
    expect(await seen()).toEqual([{ id: 'one of d' }, { id: 'two' }]);
    // Not copied anew.
    await vi.waitFor(() => expect(again.mirror.status()?.rooms.find(({ id }) => id === 'd')).toMatchObject({ rows: 1 }), soon);
    expect(world.log.errors).toEqual([]);
  }, 60_000);

  it('goes after the retention, with all that is its own', async () => {
    const world = worlds.begin();
    const { prefix } = world;
    const first = await begun(world);
    await first.rooms.delete('diary', 'gone');
    await becomes(marks(world), [mark('d', 'live', 1), mark('gone', 'deleted', 1), mark('l', 'live', 1)]);
    await first.close();
    // That room was deleted long before.
    await query(`UPDATE ${prefix}.watermarks SET deleted_at = now() - interval '2 hours' WHERE id = 'gone'`);
    const early = await open(world, ['ledger']);
    await becomes(`SELECT room_id, id FROM ${prefix}_diary.pages`, [{ room_id: 'd', id: 'one of d' }]);
    await becomes(marks(world), [mark('d', 'retired', 1), mark('gone', 'deleted', 1), mark('l', 'live', 1)]);
    await early.close();

    await query(`CREATE VIEW public.${prefix}_view AS SELECT * FROM ${prefix}_diary.pages`);
    const late = await open(world, ['ledger'], 0);
    await becomes(marks(world), [mark('l', 'live', 1)]);
    expect(await query(`SELECT tablename FROM pg_tables WHERE schemaname = '${prefix}_diary'`)).toEqual([{ tablename: 'pages' }]); // the view needs it
    expect(await query(`SELECT * FROM public.${prefix}_view`)).toEqual([]);
    await late.close();
    await query(`DROP VIEW public.${prefix}_view`);
    await open(world, ['ledger'], 0);
    await becomes(`SELECT 1 FROM pg_namespace WHERE nspname = '${prefix}_diary'`, []);
    expect(world.log.errors).toEqual([]);
  }, 60_000);
});

describe('[MI-16] what another build wrote', () => {
  const query = <Row extends pg.QueryResultRow>(text: string) => worlds.primary.query<Row>(text);
  const written = (prefix: string) =>
    query(
      `SELECT p.polrelid::regclass::text AS place, p.polname::text AS name, to_jsonb(s) - 'roles' || jsonb_build_object('roles', s.roles::text) AS text
        FROM pg_policy p JOIN pg_policies s ON s.policyname = p.polname AND format('%I.%I', s.schemaname, s.tablename)::regclass = p.polrelid
        WHERE s.schemaname LIKE '${prefix}%'
      UNION ALL SELECT 'function', pg_get_functiondef(oid), to_jsonb(proacl::text) FROM pg_proc WHERE pronamespace = '${prefix}'::regnamespace
      UNION ALL SELECT conrelid::regclass::text, conname, to_jsonb(pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = '${prefix}'::regnamespace AND contype = 'c'
      UNION ALL SELECT 'columns', attname, to_jsonb(atttypid::regtype::text) FROM pg_attribute WHERE attrelid = '${prefix}.watermarks'::regclass AND attnum > 0 AND NOT attisdropped
      ORDER BY 1, 2`,
    );
  /** With a number that is another one where they were written anew. */
  const pieces = async (prefix: string): Promise<readonly string[]> => {
    const rows = await query<{ id: string }>(
      `SELECT p.oid || ' ' || polname || ' ' || polrelid::regclass AS id FROM pg_policy p JOIN pg_class c ON c.oid = polrelid
          WHERE c.relnamespace::regnamespace::text LIKE '${prefix}%'
        UNION ALL SELECT d.xmin || ' ' || proname FROM pg_proc p JOIN pg_description d ON objoid = p.oid AND classoid = 'pg_proc'::regclass
          WHERE pronamespace = '${prefix}'::regnamespace ORDER BY 1`,
    );
    return rows.map(({ id }) => id);
  };
  const ran = async (world: MirrorWorld): Promise<void> => {
    const server = await world.server();
    await server.room(ledger, 'a').mutate.run([put('1')]);
    await world.level(server, 'a');
    await server.close();
  };

  it('of row security, functions and watermarks is made what this one writes, and nothing else is touched', async () => {
    const world = worlds.begin();
    const { prefix } = world;
    await ran(world);
    const [asWritten, made] = [await written(prefix), await pieces(prefix)];
    expect(made).toHaveLength(17);
    for (const statement of [
      `DROP POLICY reader ON ${prefix}_ledger.items`,
      `CREATE POLICY reader ON ${prefix}_ledger.items FOR SELECT TO ${prefix}_reader USING (true)`,
      `ALTER POLICY analyst ON ${prefix}_ledger.bare USING (true)`,
      `ALTER POLICY owner ON ${prefix}_ledger.alcove_values TO PUBLIC`,
      `COMMENT ON POLICY analyst ON ${prefix}.watermarks IS NULL`,
      `ALTER TABLE ${prefix}.watermarks DROP COLUMN hash, DROP CONSTRAINT watermarks_state_check`,
      `ALTER TABLE ${prefix}.watermarks ADD CONSTRAINT watermarks_state_check CHECK (state IN ('syncing', 'live', 'deleted'))`,
      `CREATE OR REPLACE FUNCTION ${prefix}.session_room(definition text) RETURNS text LANGUAGE sql AS $$ SELECT 'a' $$`,
    ])
      await query(statement);
    expect(await written(prefix)).not.toEqual(asWritten);
    await ran(world);
    expect(await written(prefix)).toEqual(asWritten);
    const mended = await pieces(prefix);
    const anew = mended.filter((piece) => !made.includes(piece)).map((piece) => piece.split(' ').slice(1).join(' '));
    const altered = ['session_room', `analyst ${prefix}.watermarks`, `analyst ${prefix}_ledger.bare`];
    expect(anew.sort()).toEqual([...altered, `owner ${prefix}_ledger.alcove_values`, `reader ${prefix}_ledger.items`].sort());
    await ran(world);
    expect(await pieces(prefix)).toEqual(mended);
    expect(await query(`SELECT hash IS NOT NULL AS known FROM ${prefix}.watermarks`)).toEqual([{ known: true }]);
  }, 60_000);

  it('of a shape that cannot be replaced is dropped and made again, and with it the policies that call it', async () => {
    const world = worlds.begin();
    const { prefix } = world;
    await ran(world);
    const asWritten = await written(prefix);
    await query(`DROP FUNCTION ${prefix}.session_room(text) CASCADE`);
    await query(`CREATE FUNCTION ${prefix}.session_room(other text) RETURNS text[] LANGUAGE sql AS $$ SELECT ARRAY['a'] $$`);
    await query(`CREATE POLICY reader ON ${prefix}_ledger.items USING (room_id = ANY(${prefix}.session_room('ledger')))`);
    await ran(world);
    expect(await written(prefix)).toEqual(asWritten);
  }, 60_000);
});

describe('[MI-17] a room’s file that was put back together with its .head file', () => {
  it('and went on under the same history is copied anew, though its version is the one that the mirror has', async () => {
    const world = worlds.begin();
    const run = async (n: number): Promise<void> => {
      const server = await world.server();
      await server.room(ledger, 'a').mutate.run([put(`row ${n}`, { n })]);
      await world.level(server, 'a');
      await server.close();
    };
    const copy = (from: string, to: string): void => {
      for (const ending of ['.sqlite', '.head']) copyFileSync(world.file('a', `${from}${ending}`), world.file('a', `${to}${ending}`));
    };
    await run(1);
    copy('', '-copy');
    await run(2);
    const lost = await world.watermark('a');
    copy('-copy', '');
    const alone = await createServer({ rooms: [ledger], dataDir: world.dataDir, signals: false, log: world.log });
    await alone.room(ledger, 'a').mutate.run([put('row 3', { n: 3 })]);
    await alone.close();
    const server = await world.server();
    await vi.waitFor(() => world.isSame('a'), soon);
    await world.level(server, 'a');
    expect(await world.watermark('a')).toEqual(lost); // of the same name and number
    expect(await server.mirror.check('ledger', 'a')).toEqual([]);
    expect(world.log.errors).toEqual([]);
  }, 60_000);
});
