import type { Row } from '@alcove/core/sqlite/database';
import { afterEach, describe, expect, it } from 'vitest';
import type { ShownVersion } from '../../packages/client/src/sync/engine-interface.ts';
import type { InProcessRoomOptions } from '../fake/in-process-room.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { tasksRoom } from '../fake/tasks-room.ts';
import { EngineWorld, imageOf } from '../fake/engine-world.ts';

const TASKS = 'SELECT id, list_id, title FROM tasks ORDER BY id';

let world: EngineWorld;
afterEach(() => world.close());

describe('snapshots', () => {
  const filled = async (options: Partial<InProcessRoomOptions> = {}): Promise<EngineWorld> => {
    const made = new EngineWorld(options);
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
    world = await filled({ imageOf });
    const a = world.tab('a', { fetchImage: world.server.fetchImage });
    a.watch('tasks', TASKS);
    a.mutate('addList', { id: 'mine', name: 'mine' });
    await world.quiet();
    expect(a.rows('tasks')).toHaveLength(50);
    expect(a.settled).toEqual(['1:applied']);
    expect(world.server.heard.filter(({ type }) => type === 'follow')).toHaveLength(1);
    expect(a.of('status').some(({ status }) => status.hydration?.phase === 'image')).toBe(true);
  });

  it('[RB-11] an engine that follows another shows nothing older than that one did, though the image is', async () => {
    world = await filled({ imageOf, keepsImage: true });
    const { fetchImage } = world.server;
    const counts = async (clientId: string, shown: ShownVersion | null): Promise<Row[]> => {
      const tab = world.tab(clientId, { fetchImage, shown });
      tab.watch('count', 'SELECT count(*) FROM tasks');
      await world.quiet();
      return tab.of('query').flatMap(({ update }) => (update?.kind === 'whole' ? update.rows : []));
    };
    expect(await counts('image', null)).toEqual([[50]]);
    const writer = world.pages[0] ?? expect.unreachable();
    writer.mutate('addTask', { id: 'later', listId: 'l1', title: 'later' });
    await world.quiet();
    const { historyId, version, hash } = writer.status;
    expect((await counts('anew', null))[0]).toEqual([50]);
    if (historyId === null || version === null || hash === null) expect.unreachable();
    expect(await counts('follows', { historyId, version, known: { version, hash } })).toEqual([[51]]);
    // Of a history that is gone nothing is known, and a room that is behind is shown as it is.
    expect((await counts('otherHistory', { historyId: 'gone', version: 1_000, known: { version: 1_000, hash } }))[0]).toEqual([50]);
    expect((await counts('behind', { historyId, version: version + 1_000, known: { version: version + 1_000, hash } })).at(-1)).toEqual([
      51,
    ]);
  });

  it('[CN-12] a damaged image is refused and fetched again, then rows are asked for', async () => {
    world = new EngineWorld({ imageOf });
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

  it('[CN-17] an image of which nothing comes any more is given up; one that trickles is waited for', async () => {
    world = new EngineWorld({ imageOf });
    const source = world.tab('writer');
    source.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    const signals: AbortSignal[] = [];
    const hangs = world.tab('hangs', {
      fetchImage: (_request, _onProgress, signal) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    await world.quiet();
    expect(hangs.status.replica).toBe('current');
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
    const trickles = world.tab('trickles', {
      fetchImage: async (request, onProgress, signal) => {
        const image = await world.server.fetchImage(request, onProgress, signal);
        for (let bytes = 0; bytes < 5; bytes++) {
          await new Promise<void>((resolve) => void world.time.setTimer(15_000, resolve));
          onProgress({ bytes, bytesTotal: 5 });
        }
        return image;
      },
    });
    await world.until(() => trickles.status.replica === 'current', 'it came', 90_000);
    expect(world.server.heard.filter(({ type }) => type === 'hydrate')).toHaveLength(2);
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

  it('[RB-11] commits that arrive together with the rows of a snapshot are applied on it, not on what is shown until then', async () => {
    world = await filled({ latencyMs: 1, options: { limits: { changeLogVersionsMax: 1, housekeepingIntervalMs: 10 } } });
    const a = world.tab('a');
    a.watch('titles', 'SELECT id, title FROM tasks ORDER BY id');
    await world.quiet();
    const writer = world.pages[0];
    for (let round = 0; round < 3; round++) {
      world.server.cut();
      await world.until(() => a.status.connection === 'waiting', 'the tab noticed');
      const connected = (): boolean => a.status.connection === 'live' && a.status.replica === 'current';
      // Somebody else goes on writing, in every millisecond around the snapshot.
      for (let i = 0; !connected() || i < 30; i++) {
        writer?.mutate('addTask', { id: `r${round}-${i}`, listId: 'l2', title: `later ${i}` });
        await world.time.advanceAsync(1);
        if (i === 20) a.engine.hint('online');
      }
      await world.quiet();
      expect(a.rows('titles')).toEqual(world.server.rows('SELECT id, title FROM tasks ORDER BY id'));
    }
  });

  it('[CN-16] a commit behind a gap is not applied: the session is opened anew and goes on where the replica stands', async () => {
    world = new EngineWorld();
    const a = world.tab('a');
    a.watch('count', 'SELECT count(*) FROM lists');
    a.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    const version = a.status.version ?? 0;
    const hellos = (): number => world.server.heard.filter(({ type }) => type === 'hello').length;
    const before = hellos();
    const changes = [{ table: 'lists', columns: ['id', 'name'], puts: [['forged'], ['forged']], key: ['id'], deletes: [[]] }];
    world.server.forge({ type: 'commit', schema: tasksRoom.model.schemaId, hash: 'forged', from: version + 1, to: version + 2, changes });
    await world.until(() => hellos() > before, 'the session was opened again');
    await world.quiet();
    expect(a.rows('count')).toEqual([[1]]);
    a.mutate('addList', { id: 'l2', name: 'two' });
    await world.quiet();
    expect([a.rows('count'), a.status.version]).toEqual([[[2]], version + 1]);
  });

  it('[RB-13] a commit that cannot be applied, or of a fork, leads to a fresh snapshot; nothing older is shown meanwhile', async () => {
    world = new EngineWorld({ imageOf, keepsImage: true, frameMs: 3 });
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

  it.each(['that went back in its own history', 'that goes on under another history'])(
    '[RB-13] a room %s: though its snapshot has to be asked for twice, the tab is current at the lower version',
    async (what) => {
      world = new EngineWorld();
      let { server } = world;
      const a = world.tab('a', {
        openSocket: (...args) => server.openSocket(...args),
        fetchImage: (...args) => server.fetchImage(...args),
      });
      a.watch('lists', 'SELECT id FROM lists');
      a.mutate('addList', { id: 'l1', name: 'one' });
      await world.quiet();
      const backup = what.endsWith('its own history') ? world.database.exportImage() : undefined;
      for (const id of ['l2', 'l3', 'l4']) {
        a.mutate('addList', { id, name: id });
        await world.quiet();
      }
      expect(a.status.version).toBe(4);
      const restored = new EngineWorld({ imageOf, runtime: new FakeRuntime({ seed: 'restored', time: world.time }) }, backup);
      restored.server.damagedImages = 1;
      const old = server;
      server = restored.server;
      old.kill();
      await world.until(() => a.status.version !== 4, 'what the room holds now is shown');
      await world.quiet();
      expect([a.status.version, a.rows('lists')]).toEqual(backup === undefined ? [0, []] : [1, [['l1']]]);
      expect(restored.server.heard.filter(({ type }) => type === 'hydrate')).toHaveLength(1);
    },
  );

  it('[RB-12] a pending mutation that the snapshot holds already is never shown twice', async () => {
    world = new EngineWorld({ frameMs: 3 });
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
