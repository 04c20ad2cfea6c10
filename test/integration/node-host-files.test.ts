import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../packages/server/src/host/node/open-database.ts';
import { openRawDatabase } from '../../packages/server/src/host/node/raw-database.ts';
import type { Seed } from '@alcove/server/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const roomFile = (id: string): string => join(host.dataDir, 'rooms', 'trip', `${id}.sqlite`);
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const kill = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'exit');
};

describe('the dataDir', () => {
  it('[HO-2] ids with path characters touch no file', async () => {
    const server = await host.server();
    for (const id of ['../evil', '..', 'a/b', 'a\\b', '.x', 'a\0b', 'é', '', 'x'.repeat(129)]) {
      const client = host.client(server.url);
      await client.opened();
      client.hello(id);
      expect((await client.heard('error')).code, id).toMatch(/^(?:room_id_invalid|bad_message)$/);
      expect((await client.end()).code).toBe(4400);
      await expect(server.rooms.create('trip', id)).rejects.toMatchObject({ code: 'room_id_invalid' });
    }
    expect(readdirSync(join(host.dataDir, 'rooms', 'trip'))).toEqual([]);
  });

  it('[HO-3] a second process on it is refused, by its code and the holder’s name', async () => {
    const first = await host.childServer();
    await expect(host.server()).rejects.toMatchObject({
      code: 'data_dir_locked',
      message: expect.stringContaining(String(first.child.pid)),
    });
    await expect(host.childServer()).rejects.toThrow(/data_dir_locked|in use by process/);
    await kill(first.child);
    await host.server();
  });

  it('[HO-3] after close the next server takes it', async () => {
    const first = await host.server();
    await expect(host.server()).rejects.toMatchObject({ code: 'data_dir_locked' });
    await first.close();
    await host.server();
  });

  it('[HO-4] a dataDir that cannot be written, and a port in use, stop the start and leave nothing locked', async () => {
    writeFileSync(join(host.dataDir, 'file'), '');
    for (const dataDir of [join(host.dataDir, 'file'), join(host.dataDir, 'file', 'below'), '/proc/alcove-cannot-be-here']) {
      await expect(host.server({ dataDir })).rejects.toMatchObject({
        code: 'data_dir_unwritable',
        message: expect.stringContaining(dataDir),
      });
    }
    const server = await host.server();
    const port = Number(new URL(server.url).port);
    const dataDir = join(host.dataDir, 'other');
    await expect(host.server({ dataDir, port })).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(String(port)),
    });
    await host.server({ dataDir });
  });

  it('[HO-9] lists, creates and deletes rooms; a deleted one is gone for those who are in it', async () => {
    const server = await host.server();
    for (const id of ['b-1', 'A', 'a', 'b-2']) await server.rooms.create('trip', id);
    expect(await server.rooms.list('trip')).toEqual(['A', 'a', 'b-1', 'b-2']);
    expect(await server.rooms.list('trip', { prefix: 'b-', after: 'b-1' })).toEqual(['b-2']);
    await expect(server.rooms.create('trip', 'a')).rejects.toMatchObject({ code: 'room_exists' });
    const client = await host.join(server.url, 'a');
    await client.result(client.push('addStop', { id: 'x', city: 'Kyoto' }));
    expect(await server.rooms.delete('trip', 'a')).toBe(true);
    expect((await client.heard('error')).code).toBe('closed');
    expect(readdirSync(join(host.dataDir, 'rooms', 'trip')).filter((name) => name.startsWith('a.'))).toEqual([]);
    expect(await server.rooms.delete('trip', 'a')).toBe(false);
    await expect(server.rooms.open('trip', 'a')).rejects.toMatchObject({ code: 'room_unknown' });
    await server.rooms.create('trip', 'a');
    expect(await server.rooms.open('trip', 'a')).toMatchObject({ version: 0 });
  });

  it('[HO-6] an idle room is closed, its log moved into its file, and opens again as it was', async () => {
    const server = await host.server({ limits: { roomIdleTimeoutMs: 50, sweepIntervalMs: 20 } });
    const client = await host.join(server.url, 'idle');
    await client.result(client.push('addStop', { id: 'x', city: 'Kyoto' }));
    client.socket.close(1000);
    await client.until(() => sizeOf(`${roomFile('idle')}-wal`) === 0, 'the room to be closed');
    expect((await host.join(server.url, 'idle')).messages.find(({ type }) => type === 'welcome')).toMatchObject({ version: 1 });
  });

  it('a sweep moves the log of an open room into its file, and shortens one that has grown past its bound', async () => {
    const server = await host.server({ limits: { sweepIntervalMs: 20, walBytesMax: 1_000_000 } });
    const client = await host.join(server.url, 'busy');
    await client.result(client.push('addMany', { prefix: 'a', count: 1000 }));
    await client.until(() => sizeOf(roomFile('busy')) > 100_000, 'the log to be moved');
    expect(sizeOf(`${roomFile('busy')}-wal`)).toBeGreaterThan(0);
    await client.result(client.push('addMany', { prefix: 'x'.repeat(300), count: 4000 }));
    await client.until(() => sizeOf(`${roomFile('busy')}-wal`) === 0, 'the log to be shortened');
    await client.result(client.push('addStop', { id: 'after', city: 'Kyoto' }));
  });

  it('[HO-19][CN-44] foreign, damaged and shortened files are refused with their code; the last can be accepted expressly', async () => {
    const first = await host.server();
    for (const id of ['foreign', 'damaged', 'text', 'short', 'gone', 'fine']) {
      const { mutate } = first.room(trip, id);
      await mutate.addStop({ id: 'x', city: 'Kyoto' });
    }
    await first.close();
    copyFileSync(roomFile('short'), `${roomFile('short')}.backup`);
    const second = await host.server();
    await second.room(trip, 'short').mutate.addStop({ id: 'y', city: 'Nara' });
    await second.close();
    copyFileSync(`${roomFile('short')}.backup`, roomFile('short'));

    rmSync(roomFile('foreign'));
    const other = openDatabase(roomFile('foreign'));
    other.exec('CREATE TABLE somebody (id)');
    other.close();
    truncateSync(roomFile('damaged'), 5000);
    writeFileSync(roomFile('text'), 'this is a text and no database '.repeat(200));
    rmSync(roomFile('gone'));

    const server = await host.server();
    const expected = {
      foreign: 'file_foreign',
      damaged: 'file_damaged',
      text: 'file_damaged',
      short: 'history_lost',
      gone: 'history_lost',
    };
    for (const [id, code] of Object.entries(expected)) {
      const client = host.client(server.url);
      await client.opened();
      client.hello(id);
      const told = await client.heard('error');
      expect(told.code, id).toBe(code);
      expect(told, id).toMatchObject({
        message: expect.stringContaining('cannot open'),
        hint: expect.stringContaining('Whoever runs the server'),
      });
      expect(JSON.stringify(told)).not.toContain(host.dataDir);
      expect((await client.end()).code).toBe(1011);
      const logged = host.log.errors.find(({ fields }) => fields['id'] === id);
      expect(logged).toMatchObject({
        message: 'a room could not be opened',
        fields: { room: 'trip', code, reason: expect.any(String), hint: expect.stringMatching(/dataDir|backup|accept/) },
      });
    }
    expect((await host.join(server.url, 'fine')).closed).toBeNull();
    await server.close();

    const accepting = await host.server({ acceptLostTail: true });
    expect(await accepting.rooms.open('trip', 'short')).toMatchObject({ version: 1 });
    await accepting.rooms.create('trip', 'gone');
    expect(host.log.errors.some(({ message }) => message.includes('a lost tail was accepted'))).toBe(true);
  });

  it('[RM-11][HO-32] while another tool holds a room’s file its writes are refused for now, it is read, and no other room notices', async () => {
    const server = await host.server({ limits: { sweepIntervalMs: 20 } });
    const [held, other] = [await host.join(server.url, 'held'), await host.join(server.url, 'other')];
    await held.result(held.push('addStop', { id: 'x', city: 'Kyoto' }));
    const tool = openRawDatabase(roomFile('held'), 0);
    tool.exec('BEGIN IMMEDIATE');
    const mutationId = held.push('addStop', { id: 'y', city: 'Nara' });
    expect(await held.heard('refused')).toMatchObject({ code: 'overloaded', mutationId, expected: mutationId, retryAfterMs: 1_000 });
    await other.result(other.push('addStop', { id: 'x', city: 'Kyoto' }));
    expect(await server.room(trip, 'held').query((db) => db.select({ id: stops.id }).from(stops))).toEqual([{ id: 'x' }]);
    tool.exec('ROLLBACK');
    tool.close();
    const again = { clientId: held.clientId, mutationId, name: 'addStop', args: { id: 'y', city: 'Nara' } };
    held.say({ type: 'push', mutations: [again] });
    expect(await held.result(mutationId)).toMatchObject({ status: 'applied', version: 2 });
    expect(host.log.errors).toEqual([]);
  });

  it('[HO-8] a room whose file is taken away while it is open is closed, and others are not', async () => {
    const server = await host.server({ limits: { sweepIntervalMs: 20 } });
    const [victim, other] = [await host.join(server.url, 'victim'), await host.join(server.url, 'other')];
    await victim.result(victim.push('addStop', { id: 'x', city: 'Kyoto' }));
    rmSync(roomFile('victim'));
    expect(JSON.stringify(await victim.heard('error'))).not.toContain(host.dataDir);
    expect(await victim.end()).toMatchObject({ code: 1011 });
    await other.result(other.push('addStop', { id: 'x', city: 'Kyoto' }));
  });

  it('[HO-16] what was acknowledged is there after SIGKILL, and nothing twice', async () => {
    const first = await host.childServer();
    const acked: string[] = [];
    const clients = await Promise.all([1, 2, 3].map(() => host.join(first.url, 'load')));
    const load = clients.map(async (client, index) => {
      for (let at = 0; client.closed === null; at += 1) {
        const id = `${index}-${at}`;
        const mutationId = client.push('addStop', { id, city: 'x'.repeat(200) });
        const result = await client.result(mutationId).catch(() => null);
        if (result === null) return;
        expect(result.status).toBe('applied');
        acked.push(id);
      }
    });
    await clients[0]?.until(() => acked.length > 200, '200 results');
    await kill(first.child);
    await Promise.all(load);

    const second = await host.childServer();
    const reader = await host.join(second.url, 'load');
    const chunks = reader.messages
      .filter(({ type }) => type === 'snapshotRows')
      .map((message) => message['rows'] as { table: string; cells: string[][] });
    const ids = chunks.filter(({ table }) => table === 'stops').flatMap(({ cells }) => cells[0] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(acked.filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.length - acked.length).toBeLessThanOrEqual(clients.length);
  });

  it('[HO-18] many joins of a new room seed it once; a crash while it is made leaves no half room', async () => {
    let seeded = 0;
    const seed: Seed = (tx, { id }) => {
      seeded += 1;
      tx.insert(stops)
        .values({ id: 'first', city: `of ${id}` })
        .run();
    };
    const server = await host.server({ seed });
    await Promise.all(Array.from({ length: 10 }, () => host.join(server.url, 'seeded')));
    expect(seeded).toBe(1);
    expect(await server.room(trip, 'seeded').query((db) => db.select().from(stops))).toEqual([
      { id: 'first', city: 'of seeded', position: null },
    ]);
    await server.close();
    // What a crash in between leaves: a file that has not got its name yet.
    const making = join(host.dataDir, 'rooms', 'trip', 'half.making');
    writeFileSync(making, 'half a database');
    writeFileSync(`${making}-wal`, 'half a log');
    const again = await host.server({ seed: { trip: seed } });
    expect(await again.rooms.list('trip')).toEqual(['seeded']);
    await host.join(again.url, 'half');
    expect(seeded).toBe(2);
    expect(existsSync(making)).toBe(false);
  });
});
