import { createHmac } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { mirrorAccess } from '../../../packages/server/src/host/postgres/mirror-access.ts';
import { createServer } from '@alcove/server/node';
import { defineRoom } from '@alcove/core';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { items, ledger, put } from './ledger-room.ts';
import { MirrorWorld } from './mirror-world.ts';
import { PgCluster } from './pg-cluster.ts';
import { attemptsWith } from './tenancy-attempts.ts';

let cluster: PgCluster;
beforeAll(async () => {
  cluster = await PgCluster.start();
}, 60_000);
afterAll(() => cluster.close());

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const worldOf = (prefix: string): MirrorWorld => {
  const world = new MirrorWorld(cluster.primary, prefix);
  ends.push(() => world.end());
  return world;
};

const runtime = {
  nowMs: () => Date.now(),
  hmacSha256: (key: Uint8Array, message: Uint8Array) => new Uint8Array(createHmac('sha256', key).update(message).digest()),
  utf8: { encode: (given: string) => new TextEncoder().encode(given), decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes) },
};
const accessOf = async (prefix: string, nowMs = runtime.nowMs) => {
  const [row] = await cluster.primary.query<{ secret: Buffer }>(`SELECT secret FROM ${prefix}.secret`);
  return mirrorAccess(prefix, new Uint8Array(row?.secret ?? Buffer.alloc(0)), { ...runtime, nowMs });
};
const connect = async (user: string, password: string): Promise<pg.Client> => {
  const client = new pg.Client({ host: '127.0.0.1', port: cluster.primary.port, database: 'postgres', user, password });
  await client.connect();
  ends.push(() => client.end());
  return client;
};
/** What a statement shows or fails with, as text to look for things in. */
const seen = async (client: pg.Client, statement: string): Promise<string> => {
  const notices: string[] = [];
  const note = (notice: { message?: string | undefined }): unknown => notices.push(notice.message ?? '');
  const copied = ({ chunk }: { chunk: Buffer }): unknown => notices.push(chunk.toString());
  const { connection } = client as unknown as { connection: EventEmitter }; // which pg gives its clients, and its types do not
  client.on('notice', note);
  connection.on('copyData', copied);
  const said = await client.query(statement).then(
    (result) => JSON.stringify([result].flat().map(({ rows }) => rows as unknown)),
    (error: Error & { detail?: string; hint?: string }) => `failed: ${error.message} ${error.detail ?? ''} ${error.hint ?? ''}`,
  );
  client.off('notice', note);
  connection.off('copyData', copied);
  return said + notices.join(' ');
};

describe('[MI-9] the reader role', () => {
  it('sees the room that it has a proof for, and of another nothing, however it asks', async () => {
    const world = worldOf('t');
    const server = await world.server();
    await server.room(ledger, 'mine').mutate.run([put('own row', { n: 7, label: 'seen' })]);
    await server.room(ledger, 'theirs').mutate.run([put('hidden key', { n: 8_675_309, raw: 'hidden raw', label: 'hidden label' })]);
    for (const id of ['mine', 'theirs']) await world.level(server, id);
    const access = await accessOf('t');
    const client = await connect(access.reader.user, access.reader.password);
    const proof = access.proof({ name: 'ledger', id: 'mine' });
    const [, , until, mac = ''] = proof.split('/');
    const open = async (): Promise<void> => {
      await client.query('ROLLBACK');
      await client.query('BEGIN READ WRITE'); // which the role may, for what it is worth
      await client.query(`SELECT set_config('t.room', $1, true)`, [proof]);
    };
    await open();
    expect(await seen(client, 'SELECT * FROM t_ledger.items')).toContain('own row');
    expect(await seen(client, 'SELECT * FROM t.watermarks')).toContain('mine');
    const other = access.proof({ name: 'other', id: 'theirs' });
    expect(await seen(client, 'COPY t_ledger.items TO STDOUT')).toContain('own row');
    const old = (await accessOf('t', () => Date.now() - 20 * 60_000)).proof({ name: 'ledger', id: 'theirs' });
    const stranger = mirrorAccess('t', new Uint8Array(32), runtime).proof({ name: 'ledger', id: 'theirs' });
    const rows = 'SELECT * FROM t_ledger.items';
    const attempts = attemptsWith([
      `ledger/theirs/${until}/${mac}`,
      'ledger/theirs',
      `ledger/theirs/${until}/`,
      `ledger/theirs/${until}/${'0'.repeat(64)}`,
      `ledger/theirs/abc/${mac}`,
      `ledger/mine/../theirs/${until}/${mac}`,
      `ledger/theirs/9999999999999/${mac}`,
      other,
      old,
      stranger,
      '',
      '%',
    ]);
    await cluster.primary.query('ANALYZE');
    for (const attempt of attempts) {
      await open();
      const said = await seen(client, attempt);
      expect(said, attempt).not.toMatch(/hidden (?:key|raw|label)|"theirs"|8675309|17350618|"hidden":"1"|root:|SCRAM/);
    }
    // All of them would have been noticed: with the other room's proof it is there.
    await open();
    expect(await seen(client, `SELECT set_config('t.room', '${access.proof({ name: 'ledger', id: 'theirs' })}', true); ${rows}`)).toMatch(
      /hidden key/,
    );
    // And what a session does that opened nothing.
    await client.query('ROLLBACK');
    expect(await seen(client, rows)).toContain('this session has opened no room');
    await open();
    expect(await seen(client, rows)).toContain('own row');
  });

  it('[MI-9] may do nothing but read, on the tables of the mirror alone', async () => {
    const world = worldOf('r');
    const server = await world.server();
    await server.room(ledger, 'a').mutate.run([put('1')]);
    await world.level(server, 'a');
    const [role] = await cluster.primary.query(
      `SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication, rolconfig FROM pg_roles WHERE rolname = 'r_reader'`,
    );
    expect(role).toMatchObject({ rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolbypassrls: false, rolreplication: false });
    expect(JSON.stringify(role)).toContain('default_transaction_read_only=on');
    const granted = await cluster.primary.query<{ name: string; kind: string }>(
      `SELECT DISTINCT table_schema || '.' || table_name AS name, privilege_type AS kind FROM information_schema.table_privileges WHERE grantee = 'r_reader' ORDER BY 1`,
    );
    expect(granted.map(({ name, kind }) => `${kind} ${name}`)).toEqual(
      ['r.watermarks', 'r_ledger.Pairs "x"', 'r_ledger.alcove_values', 'r_ledger.bare', 'r_ledger.items'].map((name) => `SELECT ${name}`),
    );
    const open = await cluster.primary.query<{ name: string }>(
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('r', 'r_ledger') AND c.relkind = 'r' AND c.relname <> 'secret' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
    );
    expect(open).toEqual([]);
  });
});

describe('[MI-10] one database', () => {
  it('takes the mirrors of two servers under two prefixes, each with its rooms and its readers', async () => {
    const [one, two] = [worldOf('one'), worldOf('two')];
    const [first, second] = [await one.server(), await two.server()];
    await first.room(ledger, 'same').mutate.run([put('1', { label: 'of the first' })]);
    await second.room(ledger, 'same').mutate.run([put('1', { label: 'of the second' })]);
    await one.level(first, 'same');
    await two.level(second, 'same');
    expect(JSON.stringify(await one.inMirror('same'))).toContain('of the first');
    expect(JSON.stringify(await two.inMirror('same'))).toContain('of the second');
    const { reader, proof } = await accessOf('one');
    const client = await connect(reader.user, reader.password);
    await client.query(`SELECT set_config('two.room', $1, false), set_config('one.room', $1, false)`, [
      proof({ name: 'ledger', id: 'same' }),
    ]);
    expect(await seen(client, 'SELECT label FROM one_ledger.items')).toContain('of the first');
    expect(await seen(client, 'SELECT label FROM two_ledger.items')).toContain('permission denied');
  });

  it('takes one server under a prefix: another waits, and says so', async () => {
    const [one, two] = [worldOf('same'), worldOf('same')];
    const first = await one.server();
    await first.room(ledger, 'a').mutate.run([put('1')]);
    await one.level(first, 'a');
    const second = await two.server();
    await vi.waitFor(() => expect(second.mirror.status()).toMatchObject({ state: 'unavailable', error: { code: 'option_invalid' } }), {
      timeout: 20_000,
    });
    expect(second.mirror.status()?.error?.message).toContain('another mirror writes under the prefix same');
    await expect(second.mirror.resync('ledger', 'a')).rejects.toThrow('another mirror writes');
    expect(await one.watermark('a')).toMatchObject({ state: 'live' });
  });

  it('whose schema or role of that name is somebody else’s is left as it is', async () => {
    await cluster.primary.query('CREATE SCHEMA taken');
    await cluster.primary.query('CREATE ROLE taken2_reader LOGIN');
    for (const prefix of ['taken', 'taken2']) {
      const world = worldOf(prefix);
      const server = await world.server();
      await vi.waitFor(
        () => expect(server.mirror.status()?.error?.message).toMatch(/there is a (schema|role) taken.*choose another prefix/),
        { timeout: 20_000 },
      );
      expect(JSON.stringify(server.mirror.status())).not.toContain(cluster.primary.url.split(':')[2]?.split('@')[0] ?? 'no password');
    }
  });
});

describe('[MI-1] a definition that changed', () => {
  it('brings its tables and the rooms that nobody has opened since; analysts see them when they are whole', async () => {
    const world = worldOf('s');
    const first = await world.server();
    await first.room(ledger, 'a').mutate.run([put('1', { n: 1 }), put('2', { n: 2 })]);
    await world.level(first, 'a');
    await first.close();
    const notes = sqliteTable('notes', { id: text().primaryKey(), body: text() });
    const more = sqliteTable('bare', { key: text().primaryKey(), extra: integer() });
    const changed = defineRoom({
      name: 'ledger',
      schema: { items, notes, more },
      migrations: [
        {
          id: '1',
          sql: 'DROP TABLE "Pairs ""x"""; DROP TABLE secrets; DROP TABLE bare; CREATE TABLE bare (key text PRIMARY KEY NOT NULL, extra integer); CREATE TABLE notes (id text PRIMARY KEY NOT NULL, body text)',
        },
      ],
      mutators: {},
    });
    const server = await createServer({
      rooms: [changed],
      dataDir: world.dataDir,
      signals: false,
      log: world.log,
      mirror: { url: cluster.primary.url, prefix: 's', checkIntervalMs: 0 },
    });
    ends.push(() => server.close());
    await vi.waitFor(
      async () => {
        const [mark] = await cluster.primary.query<{ schema_id: string; state: string }>(
          `SELECT schema_id, state FROM s.watermarks WHERE id = 'a'`,
        );
        expect(mark, JSON.stringify(world.log.errors)).toEqual({ schema_id: changed.model.schemaId, state: 'live' });
      },
      { timeout: 20_000, interval: 30 },
    );
    const tables = await cluster.primary.query<{ name: string; columns: string }>(
      `SELECT table_name AS name, string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) AS columns FROM information_schema.columns WHERE table_schema = 's_ledger' GROUP BY 1`,
    );
    expect(tables.map(({ name }) => name).sort()).toEqual(['alcove_values', 'bare', 'items', 'notes']);
    expect(tables.find(({ name }) => name === 'bare')?.columns).toBe('room_id text, key text, extra bigint');
    await cluster.primary.query(`CREATE ROLE analyst LOGIN PASSWORD 'analyst' IN ROLE s_analyst`);
    const analyst = await connect('analyst', 'analyst');
    expect(await seen(analyst, 'SELECT room_id, n FROM s_ledger.items ORDER BY n')).toBe(
      '[[{"room_id":"a","n":"1"},{"room_id":"a","n":"2"}]]',
    );
    await cluster.primary.query(`UPDATE s.watermarks SET state = 'syncing' WHERE id = 'a'`);
    expect(await seen(analyst, 'SELECT room_id, n FROM s_ledger.items')).toBe('[[]]');
    expect(await seen(analyst, 'SELECT * FROM s.secret')).toContain('permission denied');
    expect(await seen(analyst, 'DELETE FROM s_ledger.items')).toContain('permission denied');
  });
});
