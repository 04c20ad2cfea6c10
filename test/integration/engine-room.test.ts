import { AlcoveError } from '@alcove/core/error';
import { roomDdl } from '@alcove/core/schema/ddl';
import type { Database } from '@alcove/core/sqlite/database';
import { createHash } from 'node:crypto';
import initSqlJs from 'sql.js';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSqljsDatabase, type SqljsDatabase } from '../../packages/client/src/replica/sqljs-database.ts';
import { createSyncEngine } from '../../packages/client/src/sync/sync-engine.ts';
import type { SyncEngineOptions } from '../../packages/client/src/sync/engine-interface.ts';
import { EnginePage } from '../fake/engine-page.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { InProcessRoom, type InProcessRoomOptions } from '../fake/in-process-room.ts';
import { tasksRoom } from '../fake/tasks-room.ts';
import { VirtualTime } from '../fake/virtual-time.ts';

let sqlJs: Awaited<ReturnType<typeof initSqlJs>>;
beforeAll(async () => {
  sqlJs = await initSqlJs();
});

const LISTS = 'SELECT id, name FROM lists ORDER BY id';
const TASKS = 'SELECT id, list_id, title FROM tasks ORDER BY id';

/** One room, several tabs, one time line. */
class World {
  readonly time = new VirtualTime();
  readonly database: SqljsDatabase = openSqljsDatabase(sqlJs);
  readonly server: InProcessRoom;
  readonly pages: EnginePage[] = [];

  constructor(options: Partial<InProcessRoomOptions> = {}) {
    this.server = new InProcessRoom({
      room: tasksRoom,
      database: this.database,
      runtime: new FakeRuntime({ seed: 'room', time: this.time }),
      ...options,
    });
  }

  tab(clientId: string, options: Partial<SyncEngineOptions> & { start?: boolean } = {}): EnginePage {
    const runtime = new FakeRuntime({ seed: clientId, time: this.time });
    const page = new EnginePage(runtime, clientId);
    const engine = createSyncEngine({
      runtime,
      room: tasksRoom,
      roomId: 'r1',
      clientId,
      groupId: `group-${clientId}`,
      url: 'ws://room',
      token: () => null,
      openDatabase: (image) => openSqljsDatabase(sqlJs, image ?? undefined),
      openSocket: this.server.openSocket,
      fetchImage: null,
      onNotices: (notices) => page.take(notices),
      ...options,
    });
    page.attach(engine);
    this.pages.push(page);
    if (options.start !== false) engine.start();
    return page;
  }

  /** Time until `holds`; fails after a virtual minute. */
  async until(holds: () => boolean, what: string, withinMs = 60_000): Promise<void> {
    for (let spent = 0; !holds(); spent += 10) {
      if (spent >= withinMs) throw new TypeError(`not within ${withinMs} ms: ${what}`);
      await this.time.advanceAsync(10);
    }
  }

  quiet(): Promise<void> {
    const isQuiet = (): boolean =>
      this.pages.every(({ status }) => status.connection === 'closed' || (status.replica === 'current' && status.pending === 0));
    return this.until(isQuiet, 'everything is settled everywhere');
  }

  close(): void {
    for (const page of this.pages) page.engine.close();
  }
}

let world: World;
afterEach(() => world.close());

function image(database: Database): { bytes: Uint8Array; sha256: string } {
  const fresh = openSqljsDatabase(sqlJs);
  for (const sql of roomDdl(tasksRoom.model, { serverOnly: false })) fresh.exec(sql);
  for (const { name, columns } of tasksRoom.model.tables) {
    const names = columns.filter((column) => column.generated === null).map((column) => column.name);
    const insert = fresh.prepare(`INSERT INTO ${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
    for (const row of database.prepare(`SELECT ${names.join(', ')} FROM ${name}`).all()) insert.run(row);
  }
  const bytes = fresh.exportImage();
  fresh.close();
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

describe('two tabs and a room', () => {
  it('[RB-8] a mutation shows at once, settles with its rows, and is seen by the other tab', async () => {
    world = new World();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.watch('lists', LISTS);
    b.watch('lists', LISTS);
    a.mutate('addList', { id: 'l1', name: 'one' });
    world.time.advance(0);
    expect(a.rows('lists')).toEqual([['l1', 'one']]);
    expect(a.settled).toEqual([]);
    await world.quiet();
    expect(a.settled).toEqual(['1:applied']);
    expect(b.rows('lists')).toEqual([['l1', 'one']]);
    expect(a.of('query').filter(({ update }) => update !== null)).toHaveLength(2);
    expect(a.status).toMatchObject({ version: 1, headVersion: 1, pending: 0, replica: 'current' });
  });

  it('[RB-9] a rejected mutation is told with its reason, undone, and holds up none behind it', async () => {
    world = new World();
    const a = world.tab('a');
    await world.quiet();
    a.watch('lists', LISTS);
    a.mutate('tabOnly', { id: 'l1', name: 'mine' });
    a.mutate('addList', { id: 'l2', name: 'two' });
    world.time.advance(0);
    expect(a.rows('lists')).toHaveLength(2);
    await world.quiet();
    expect(a.settled).toEqual(['1:forbidden', '2:applied']);
    expect(a.rows('lists')).toEqual([['l2', 'two']]);
    expect(a.status.rejected).toBe(1);
    const batch = a.batches.find((notices) => notices.some((notice) => notice.type === 'settled' && notice.outcome === 'rejected'));
    expect(batch?.some((notice) => notice.type === 'query' && notice.update !== null)).toBe(true);
    await world.until(() => world.server.heard.some(({ type }) => type === 'heard'), 'the rejection was heard');
  });

  it('[RB-10] what was done before there is a replica, and while offline, is shown and arrives once', async () => {
    world = new World();
    const a = world.tab('a', { start: false });
    a.watch('lists', LISTS);
    expect(a.queries.get('lists')).toMatchObject({ status: 'pending', rows: [] });
    a.mutate('addList', { id: 'l1', name: 'one' });
    expect(() => a.mutate('addList', { id: 7 })).toThrowError(expect.objectContaining({ code: 'arguments_invalid' }));
    expect(a.rows('lists')).toEqual([]);
    a.engine.start();
    await world.quiet();
    expect(a.rows('lists')).toEqual([['l1', 'one']]);
    world.server.kill();
    await world.until(() => a.status.connection === 'waiting', 'the tab noticed');
    a.mutate('addList', { id: 'l2', name: 'two' });
    expect(a.queries.get('lists')).toMatchObject({
      status: 'cached',
      rows: [
        ['l1', 'one'],
        ['l2', 'two'],
      ],
    });
    world.server.start();
    await world.quiet();
    expect(a.settled).toEqual(['1:applied', '2:applied']);
    expect(world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
    expect(a.queries.get('lists')).toMatchObject({ status: 'current' });
  });

  it('[CN-10] a lost answer is asked for again and gives the first result', async () => {
    world = new World();
    const a = world.tab('a');
    await world.quiet();
    world.server.silence('down');
    a.mutate('addList', { id: 'l1', name: 'one' });
    a.mutate('tabOnly', { id: 'l2', name: 'two' });
    await world.until(() => world.server.rows('SELECT 1 FROM lists').length === 1, 'the room took it');
    expect(a.settled).toEqual([]);
    await world.quiet();
    expect(a.settled).toEqual(['1:applied', '2:forbidden']);
    expect(world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
    expect(world.server.connections).toBe(1);
  });

  it('[CN-2] notices a room that hears nothing and one that is not heard', async () => {
    for (const direction of ['up', 'down'] as const) {
      world = new World();
      const a = world.tab('a');
      await world.quiet();
      world.server.silence(direction);
      a.mutate('addList', { id: 'l1', name: 'one' });
      await world.until(() => a.settled.length === 1, `${direction}: the mutation settled`, 120_000);
      expect(world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
      world.close();
    }
  });

  it('[CN-11] resumes from its version: no second snapshot, nothing told twice', async () => {
    world = new World();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.watch('lists', LISTS);
    world.server.cut();
    await world.until(() => a.status.connection === 'waiting' && b.status.connection !== 'live', 'both noticed');
    b.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    expect(a.rows('lists')).toEqual([['l1', 'one']]);
    const hellos = world.server.heard.filter(({ type }) => type === 'hello').map(({ message }) => (message as { resume: unknown }).resume);
    expect(hellos.filter((resume) => resume === null)).toHaveLength(2);
    expect(a.of('status').some(({ status }) => status.hydration !== null && status.version !== null)).toBe(false);
  });

  it('commits of many mutations at once are rebased together', async () => {
    world = new World();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    b.watch('lists', LISTS);
    for (let i = 0; i < 300; i++) a.mutate('addList', { id: `l${String(i).padStart(3, '0')}`, name: `n${i}` });
    await world.quiet();
    expect(b.rows('lists')).toHaveLength(300);
    expect(a.settled).toHaveLength(300);
    expect(b.of('query').length).toBeLessThan(20);
    expect(world.server.heard.filter(({ type }) => type === 'push').length).toBeLessThan(20);
  });
});

describe('snapshots', () => {
  const filled = async (options: Partial<InProcessRoomOptions> = {}): Promise<World> => {
    const made = new World(options);
    const writer = made.tab('writer');
    for (const id of ['l1', 'l2']) writer.mutate('addList', { id, name: id });
    for (let i = 0; i < 50; i++) writer.mutate('addTask', { id: `t${i}`, listId: 'l1', title: `task ${i}` });
    await made.quiet();
    return made;
  };

  it('[QR-11] rows arrive in chunks; nothing is shown before all of them, and progress is told', async () => {
    world = await filled({ frameMs: 2, options: { limits: { snapshotChunkRowsMax: 7 } } });
    const a = world.tab('a');
    a.watch('tasks', TASKS);
    await world.quiet();
    expect(a.rows('tasks')).toHaveLength(50);
    const shown = a.of('query').map(({ status, update }) => [status, update === null ? null : 'rows']);
    expect(shown[0]).toEqual(['pending', null]);
    expect(shown.find(([, rows]) => rows !== null)?.[0]).not.toBe('pending');
    expect(a.of('query').filter(({ update }) => update !== null)).toHaveLength(1);
    const progress = a.of('status').flatMap(({ status }) => (status.hydration === null ? [] : [status.hydration]));
    expect(progress.some(({ phase, rowsTotal }) => phase === 'rows' && rowsTotal === 52)).toBe(true);
    expect(new Set(progress.map(({ rows }) => rows)).size).toBeGreaterThan(2);
  });

  it('an image is fetched, checked, opened and followed', async () => {
    world = await filled({ imageOf: image });
    const a = world.tab('a', { fetchImage: world.server.fetchImage });
    a.watch('tasks', TASKS);
    a.mutate('addList', { id: 'mine', name: 'mine' });
    await world.quiet();
    expect(a.rows('tasks')).toHaveLength(50);
    expect(a.settled).toEqual(['1:applied']);
    expect(world.server.heard.filter(({ type }) => type === 'follow')).toHaveLength(1);
    expect(a.of('status').some(({ status }) => status.hydration?.phase === 'image')).toBe(true);
  });

  it('[CN-12] a damaged image is refused and fetched again, then rows are asked for', async () => {
    world = new World({ imageOf: image });
    const source = world.tab('writer');
    source.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    world.server.damagedImages = 1;
    const once = world.tab('once', { fetchImage: world.server.fetchImage });
    await world.quiet();
    expect(once.status).toMatchObject({ replica: 'current', version: 1 });
    expect(world.server.heard.filter(({ type }) => type === 'follow')).toHaveLength(1);
    world.server.damagedImages = 100;
    const never = world.tab('never', { fetchImage: world.server.fetchImage });
    await world.quiet();
    expect(never.status).toMatchObject({ replica: 'current', version: 1 });
    expect(world.server.heard.filter(({ type }) => type === 'follow')).toHaveLength(1);
  });

  it('[RB-11] below the floor of the log it takes a fresh snapshot, keeps its outbox, and shows no older version in between', async () => {
    world = await filled({ options: { limits: { changeLogVersionsMax: 2, housekeepingIntervalMs: 10 } } });
    const a = world.tab('a');
    a.watch('count', 'SELECT count(*) FROM tasks');
    await world.quiet();
    world.server.cut();
    await world.until(() => a.status.connection === 'waiting', 'the tab noticed');
    const writer = world.pages[0];
    a.mutate('addTask', { id: 'offline', listId: 'l2', title: 'offline' });
    a.engine.hint('offline');
    for (let i = 0; i < 8; i++) {
      writer?.mutate('addTask', { id: `later${i}`, listId: 'l2', title: 'later' });
      await world.time.advanceAsync(3);
    }
    await world.quiet();
    expect(a.rows('count')).toEqual([[59]]);
    expect(a.settled).toEqual(['1:applied']);
    const counts = a.of('query').flatMap(({ update }) => (update === null ? [] : [update.kind === 'whole' ? update.rows : update.parts]));
    const seen = counts.flat().flatMap((part) => ('rows' in part ? part.rows : Array.isArray(part) ? [part] : [])) as number[][];
    expect(seen.flat()).toEqual([...seen.flat()].sort((x, y) => x - y));
  });

  it('[RB-13] a commit that cannot be applied, or of a fork, leads to a fresh snapshot; nothing older is shown meanwhile', async () => {
    world = new World({ imageOf: image, keepsImage: true, frameMs: 3 });
    const writer = world.tab('writer');
    writer.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    const a = world.tab('a', { fetchImage: world.server.fetchImage });
    a.watch('count', 'SELECT count(*) FROM lists');
    await world.quiet();
    for (let i = 2; i < 6; i++) {
      writer.mutate('addList', { id: `l${i}`, name: `n${i}` });
      await world.quiet();
    }
    a.mutate('addList', { id: 'mine', name: 'mine' });
    await world.quiet();
    expect(a.rows('count')).toEqual([[6]]);
    const version = a.status.version ?? 0;
    const commit = { type: 'commit' as const, schema: tasksRoom.model.schemaId, hash: 'forged', from: version, to: version + 1 };
    const told = a.notices.length;
    for (const forged of [
      { ...commit, changes: [{ table: 'nonsense', columns: [], puts: [], key: [], deletes: [] }] },
      { ...commit, from: version - 1, to: version, changes: [] },
    ]) {
      const follows = world.server.heard.filter(({ type }) => type === 'follow').length;
      world.server.forge(forged);
      await world.until(() => world.server.heard.filter(({ type }) => type === 'follow').length > follows, 'a snapshot was taken');
      await world.quiet();
    }
    expect(a.rows('count')).toEqual([[6]]);
    expect(a.notices.slice(told).filter((notice) => notice.type === 'query' && notice.update !== null)).toEqual([]);
    expect(Math.min(...a.notices.slice(told).flatMap((notice) => (notice.type === 'status' ? [notice.status.version ?? 0] : [])))).toBe(
      version,
    );
    a.mutate('addList', { id: 'more', name: 'more' });
    await world.quiet();
    expect(writer.status.version).toBe(version + 1);
  });

  it('[RB-12] a pending mutation that the snapshot holds already is never shown twice', async () => {
    world = new World({ frameMs: 3 });
    const a = world.tab('a');
    await world.quiet();
    a.mutate('addList', { id: 'l1', name: 'one' });
    a.mutate('addTask', { id: 't1', listId: 'l1', title: 'x' });
    await world.quiet();
    a.watch('strength', 'SELECT strength FROM tags');
    world.server.silence('down');
    a.mutate('tagTask', { taskId: 't1', tag: 'red' });
    await world.until(() => world.server.rows('SELECT 1 FROM tags').length === 1, 'the room took it');
    // Another view of the same room: the replica is of no use and a snapshot comes, with the mutation in it.
    const position = a.status.version;
    world.server.kill();
    world.database.exec('DELETE FROM alcove_log');
    world.server.forgetHead();
    world.server.start({ acceptLostTail: true });
    await world.quiet();
    expect(position).toBe(1);
    expect(a.settled).toEqual(['1:applied', '2:applied', '3:applied']);
    expect(a.rows('strength')).toEqual([[1]]);
    const strengths = JSON.stringify(a.of('query').map(({ update }) => update));
    expect(strengths).not.toContain('2');
  });
});

describe('identities and rights', () => {
  it('[CN-13] waits for a token that is good, then goes on', async () => {
    let good = 'later';
    world = new World({ access: ({ token }) => (token === good ? { claims: { sub: 'ada' } } : new AlcoveError('unauthenticated', 'no')) });
    let token = 'early';
    const a = world.tab('a', { token: () => Promise.resolve(token) });
    await world.until(() => a.status.connection === 'needsAuth', 'it asks the app');
    expect(a.status.error?.code).toBe('unauthenticated');
    token = 'later';
    a.engine.hint('authChanged');
    await world.quiet();
    expect(a.status.user).toEqual({ sub: 'ada' });
    good = 'another';
    world.server.cut();
    await world.until(() => a.status.connection === 'needsAuth', 'it asks again');
  });

  it('[CN-14] a room that lost the tail: pending mutations go on under a new name, none is lost or done twice', async () => {
    world = new World();
    const a = world.tab('a');
    await world.quiet();
    a.watch('lists', LISTS);
    a.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    const backup = world.database.exportImage();
    a.mutate('addList', { id: 'l2', name: 'two' });
    a.mutate('addList', { id: 'l3', name: 'three' });
    await world.quiet();
    world.server.kill();
    await world.until(() => a.status.connection === 'waiting', 'the tab noticed');
    a.mutate('addList', { id: 'l4', name: 'four' });
    world.close();

    const restored = new World({ database: openSqljsDatabase(sqlJs, backup) });
    const engine = createSyncEngine({
      runtime: new FakeRuntime({ seed: 'a2', time: restored.time }),
      room: tasksRoom,
      roomId: 'r1',
      clientId: 'a',
      groupId: 'group-a',
      url: 'ws://room',
      token: () => null,
      openDatabase: (image) => openSqljsDatabase(sqlJs, image ?? undefined),
      openSocket: restored.server.openSocket,
      fetchImage: null,
      onNotices: (notices) => page.take(notices),
    });
    const page = new EnginePage(new FakeRuntime({ seed: 'a2', time: restored.time }), 'a');
    page.attach(engine);
    restored.pages.push(page);
    engine.adopt(
      [{ clientId: 'a', lastMutationId: 4, confirmed: 3, welcomed: 0 }],
      [{ clientId: 'a', mutationId: 4, name: 'addList', args: { id: 'l4', name: 'four' }, seed: 's', nowMs: 1 }],
    );
    engine.start();
    page.watch('lists', LISTS);
    await restored.quiet();
    expect(page.of('rekeyed')).toMatchObject([{ clientId: 'a', offset: 3 }]);
    expect(page.rows('lists')).toEqual([
      ['l1', 'one'],
      ['l4', 'four'],
    ]);
    expect(restored.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l4']]);
    expect(page.of('settled').map(({ clientId, mutationId, outcome }) => [clientId, mutationId, outcome])).toEqual([
      [page.of('rekeyed')[0]?.to, 1, 'applied'],
    ]);
    restored.close();
  });

  it('[CN-15] a clean leave frees the client and says goodbye', async () => {
    world = new World();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.engine.setPresence({ name: 'Ada' });
    await world.until(() => b.of('presence').some(({ entries }) => entries.length === 1), 'b sees a');
    a.engine.leave();
    await world.until(() => b.of('presence').some(({ entries }) => entries[0]?.state === null), 'a is gone');
    expect(() => a.mutate('addList', { id: 'x', name: 'x' })).toThrowError(expect.objectContaining({ code: 'closed' }));
    await expect(a.engine.runOnce({ sql: 'SELECT 1', params: [] })).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('reads', () => {
  it('[QR-12] a single read waits for the first replica; what it may not do is refused', async () => {
    world = new World();
    const a = world.tab('a', { start: false });
    const early = a.engine.runOnce({ sql: 'SELECT count(*) AS n FROM lists', params: [] });
    const wrong = a.engine.runOnce({ sql: 'DELETE FROM lists', params: [] });
    const refused = expect(wrong).rejects.toMatchObject({ code: 'query_invalid' });
    a.mutate('addList', { id: 'l1', name: 'one' });
    a.engine.start();
    await world.quiet();
    expect(await early).toEqual({ columns: ['n'], rows: [[1]] });
    await refused;
  });
});
