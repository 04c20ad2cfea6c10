import { copyFileSync, existsSync, openSync, closeSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@alcove/client/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataDir } from '../../packages/server/src/host/node/data-dir.ts';
import { openRawDatabase, type RawDatabase } from '../../packages/server/src/host/node/raw-database.ts';
import { runCli } from '../../packages/server/src/host/node/run-cli.ts';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

const config = fileURLToPath(new URL('./cli-config.ts', import.meta.url));
const guide = readFileSync(fileURLToPath(new URL('../../docs/guides/backups.md', import.meta.url)), 'utf8');

/** Of a write-ahead log: the numbers by which one that was begun anew is told from the one before. */
const WAL_HEADER_BYTES = 32;

let host: HostFixture;
const copiers: LogCopier[] = [];
beforeEach(() => {
  host = new HostFixture();
});
afterEach(async () => {
  for (const copier of copiers.splice(0)) copier.close();
  await host.end();
});

/**
 * What Litestream does to a database, as far as SQLite sees it: tables of its own, a read transaction that it holds so that nobody begins the log anew under it, a copy of the file, and every frame
 * of the log from then on. Now and then it lets go, moves the log into the file, and holds on again.
 */
class LogCopier {
  readonly #path: string;
  readonly #database: RawDatabase;
  #log = Buffer.alloc(0);
  readonly #copy: string;

  constructor(path: string, copy: string) {
    this.#path = path;
    this.#copy = copy;
    this.#database = openRawDatabase(path, 5_000);
    this.#database.exec('PRAGMA wal_autocheckpoint = 0');
    this.#database.exec(
      'CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER); CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)',
    );
    this.#touch();
    this.hold();
    // Frames that are moved into the file while it is copied are all in the log that is kept.
    this.take();
    copyFileSync(path, copy);
    copiers.push(this);
  }

  hold(): void {
    this.#database.exec('BEGIN; SELECT count(*) FROM _litestream_seq');
  }

  letGo(): void {
    this.#database.exec('ROLLBACK');
  }

  #touch(): void {
    this.#database.exec('INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1');
  }

  get logBytes(): number {
    return statSync(`${this.#path}-wal`).size;
  }

  /** Frames that came since; false where the log was begun anew, and what was kept does not go on. */
  take(): boolean {
    const file = openSync(`${this.#path}-wal`, 'r');
    try {
      const header = Buffer.alloc(WAL_HEADER_BYTES);
      readSync(file, header, 0, WAL_HEADER_BYTES, 0);
      if (this.#log.length > 0 && !header.equals(this.#log.subarray(0, WAL_HEADER_BYTES))) return false;
      const more = Buffer.alloc(Math.max(0, this.logBytes - this.#log.length));
      readSync(file, more, 0, more.length, this.#log.length);
      this.#log = Buffer.concat([this.#log, more]);
      return true;
    } finally {
      closeSync(file);
    }
  }

  /** It writes to the database, and moves the log, as it does once the log has grown. */
  checkpoint(): void {
    this.letGo();
    this.#touch();
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    this.#touch();
    this.hold();
  }

  /** One file, as `litestream restore` makes it. */
  restore(path: string): void {
    copyFileSync(this.#copy, path);
    writeFileSync(`${path}-wal`, this.#log);
    const database = openRawDatabase(path, 5_000);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
  }

  close(): void {
    this.#database.close();
  }
}

const pathOf = (id: string): string => new DataDir(host.dataDir).roomFiles({ name: 'trip', id }).database;
const file = (name: string): string => join(host.dataDir, name);

async function imported(from: string, room: string): Promise<unknown> {
  let said = '';
  const args = ['import', from, '--room', room, '--config', config, '--data-dir', host.dataDir];
  const code = await runCli(args, { out: (text) => (said += text), err: (text) => (said += text) });
  return [code, said];
}

describe('a copy of a room’s log, kept while it is served', () => {
  it('[HO-45] goes on as long as it is held, whatever is written, and becomes the room again', async () => {
    const server = await host.server({ limits: { sweepIntervalMs: 10, walBytesMax: 1_000_000 } });
    const room = server.room(trip, 'japan');
    await room.mutate.addStop({ id: 'first', city: 'Nara' });
    const { historyId } = await server.rooms.open('trip', 'japan');
    const copier = new LogCopier(pathOf('japan'), file('copied.sqlite'));
    // Far past what the server itself would keep of the log.
    for (let at = 0; at < 60; at += 1) {
      await room.mutate.addMany({ prefix: `${at}-${'x'.repeat(500)}-`, count: 50 });
      expect(copier.take(), `log begun anew under the copy, at ${at}`).toBe(true);
    }
    expect(copier.logBytes).toBeGreaterThan(3_000_000);
    const { version } = await server.rooms.open('trip', 'japan');
    const rows = await room.query((db) => db.select().from(stops));
    expect(host.log.errors).toEqual([]);
    copier.restore(file('restored.sqlite'));

    // It lets go: the server moves the log into the file, and it does not grow on.
    copier.letGo();
    await room.mutate.addStop({ id: 'later', city: 'Kyoto' });
    await vi.waitFor(() => expect(copier.logBytes).toBeLessThan(1_000_000), { timeout: 20_000 });
    copier.hold();
    copier.checkpoint();
    await room.mutate.addStop({ id: 'after it wrote', city: 'Osaka' });
    expect(host.log.errors).toEqual([]);
    await server.close();

    expect(await imported(file('restored.sqlite'), 'trip/again')).toEqual([0, `made trip/again at version ${version}\n`]);
    const again = await host.server();
    expect(await again.room(trip, 'again').query((db) => db.select().from(stops))).toEqual(rows);
    expect((await again.rooms.open('trip', 'again')).historyId).not.toBe(historyId);
    await again.room(trip, 'again').mutate.addStop({ id: 'goes on', city: 'Kobe' });
    // The tables it made are nobody's business: neither people nor copies of rooms get them.
    expect((await again.room(trip, 'japan').query((db) => db.select().from(stops))).length).toBe(rows.length + 2);
  });

  it('[HO-45] brings a room back under its own name, and whoever was away keeps what is pending', async () => {
    const server = await host.server();
    const { url } = server;
    const client = createClient({ url, rooms: [trip] });
    host.add({ close: async () => client.close() });
    const room = client.room(trip, 'japan');
    await room.mutate.addStop({ id: 'kept', city: 'Nara' }).confirmed;
    const copier = new LogCopier(pathOf('japan'), file('copied.sqlite'));
    copier.take();
    copier.restore(file('restored.sqlite'));
    await room.mutate.addStop({ id: 'lost', city: 'Kyoto' }).confirmed;
    const { historyId } = await server.rooms.open('trip', 'japan');
    copier.close();
    copiers.length = 0;
    await server.close();
    const pending = room.mutate.addStop({ id: 'pending', city: 'Osaka' });
    const { database, head } = new DataDir(host.dataDir).roomFiles({ name: 'trip', id: 'japan' });
    for (const path of [database, `${database}-wal`, `${database}-shm`, head]) rmSync(path, { force: true });
    expect(await imported(file('restored.sqlite'), 'trip/japan')).toEqual([0, 'made trip/japan at version 1\n']);

    const again = await host.server({ port: Number(new URL(url).port) });
    await pending.confirmed;
    const cities = async (): Promise<string[]> =>
      (await again.room(trip, 'japan').query((db) => db.select().from(stops))).map((stop) => stop.city).sort();
    expect(await cities()).toEqual(['Nara', 'Osaka']);
    expect((await again.rooms.open('trip', 'japan')).historyId).not.toBe(historyId);
  });
});

describe('the guide on backups', () => {
  it('[HO-45] names the files that there are', async () => {
    const server = await host.server({ dataDir: join(host.dataDir, 'data') });
    await server.rooms.create('trip', 'Japan-2027');
    await server.close();
    const [, directory = '', pattern = ''] = /- dir: \/srv\/app\/(\S+)\n\s+pattern: '([^']+)'\n\s+recursive: true/.exec(guide) ?? [];
    expect([directory, pattern]).toEqual(['data/rooms', '*.sqlite']);
    const [, named = ''] = /\$ litestream restore .* \/srv\/app\/(data\/rooms\/\S+\.sqlite)/.exec(guide) ?? [];
    const { database } = new DataDir(join(host.dataDir, 'data')).roomFiles({ name: 'trip', id: 'japan-2027' });
    expect(join(host.dataDir, named)).toBe(database);
    expect(existsSync(new DataDir(join(host.dataDir, 'data')).roomFiles({ name: 'trip', id: 'Japan-2027' }).database)).toBe(true);
  });
});
