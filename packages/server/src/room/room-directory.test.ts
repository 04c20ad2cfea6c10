import { AlcoveError } from '@alcove/core/error';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { RoomDirectory } from './room-directory.ts';
import type { OpenedRoom, OpenMode } from './room-directory.ts';

class TestRoom implements OpenedRoom {
  idle = true;
  spare = false;
  closedBy: string | null = null;
  #free: (() => void) | null = null;
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  close(reason: AlcoveError): Promise<void> {
    this.closedBy = reason.code;
    return new Promise((resolve) => {
      this.#free = resolve;
    });
  }
  async freed(): Promise<void> {
    this.#free?.();
    await settled();
  }
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};
const at = (id: string) => ({ name: 'trip', id });

let runtime: FakeRuntime;
let log: string[];
let files: Set<string>;
let opening: Map<string, () => void>;
let fails: Map<string, AlcoveError>;
let directory: RoomDirectory<TestRoom>;

beforeEach(() => {
  runtime = new FakeRuntime();
  log = [];
  files = new Set();
  opening = new Map();
  fails = new Map();
  directory = new RoomDirectory<TestRoom>(
    {
      open: async ({ id }, mode: OpenMode) => {
        log.push(`open ${id} ${mode}`);
        await new Promise<void>((resolve) => (opening.has(id) ? opening.set(id, resolve) : resolve()));
        const error = fails.get(id);
        if (error !== undefined) throw error;
        if (mode === 'new' && files.has(id)) throw new AlcoveError('room_exists', id);
        if (mode === 'existing' && !files.has(id)) throw new AlcoveError('room_unknown', id);
        files.add(id);
        return new TestRoom(id);
      },
      remove: async ({ id }) => {
        log.push(`remove ${id}`);
        return files.delete(id);
      },
      list: async () => [...files].sort(),
    },
    { openRoomsMax: 2, roomIdleTimeoutMs: 60_000, openRetryMs: 1000 },
    runtime,
  );
});

const open = (id: string, mode: OpenMode = 'any') => directory.use(at(id), mode, (room) => room);

describe('RoomDirectory', () => {
  it('[HO-6] a room is opened once, however many ask at once', async () => {
    opening.set('a', () => undefined);
    const asks = [open('a'), open('a'), open('a')];
    await settled();
    opening.get('a')?.();
    const rooms = await Promise.all(asks);
    expect(new Set(rooms).size).toBe(1);
    expect(log).toEqual(['open a any']);
  });

  it('[HO-6] an idle room is closed after its time; one in use, with somebody in it or asked for again is not', async () => {
    const room = await open('a');
    runtime.advance(59_999);
    directory.tick();
    expect(room.closedBy).toBeNull();
    room.idle = false;
    runtime.advance(1);
    directory.tick();
    room.idle = true;
    runtime.advance(59_999);
    directory.tick();
    expect(room.closedBy).toBeNull();

    let release: () => void = () => undefined;
    const using = directory.use(
      at('a'),
      'any',
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await settled();
    runtime.advance(60_000);
    directory.tick();
    expect(room.closedBy).toBeNull();
    release();
    await using;
    runtime.advance(60_000);
    directory.tick();
    expect(room.closedBy).toBe('closed');
    expect(directory.peek(at('a'))).toBeNull();
  });

  it('[HO-6] who comes while it closes waits, and gets it opened again', async () => {
    const first = await open('a');
    runtime.advance(60_000);
    directory.tick();
    const again = open('a');
    await settled();
    expect(log).toEqual(['open a any']);
    await first.freed();
    expect(await again).not.toBe(first);
    expect(log).toEqual(['open a any', 'open a any']);
  });

  it('[HO-7] at the bound of open rooms the longest idle one makes place; where none is idle the newcomer is told so', async () => {
    const a = await open('a');
    const b = await open('b');
    await open('a');
    const c = open('c');
    await settled();
    expect([a.closedBy, b.closedBy]).toEqual([null, 'closed']);
    await b.freed();
    (await c).idle = false;
    a.idle = false;
    await expect(open('d')).rejects.toMatchObject({ code: 'overloaded', retryable: true });
    expect(directory.openCount).toBe(2);
  });

  it('[HO-7] where none is idle one that is only followed makes place for users, and for no other follower', async () => {
    const [a, b] = [await open('a'), await open('b')];
    for (const room of [a, b]) room.idle = false;
    files.add('c');
    b.spare = true;
    await expect(directory.use(at('c'), 'followed', () => undefined)).rejects.toMatchObject({ code: 'overloaded' });
    expect(b.closedBy).toBeNull();
    const c = open('c');
    await settled();
    expect([a.closedBy, b.closedBy]).toEqual([null, 'draining']);
    await b.freed();
    await directory.use(at('c'), 'followed', async (room) => expect(room).toBe(await c));
  });

  it('[HO-8] a failure to open is told to all who wait and not tried again at once; then it is', async () => {
    fails.set('a', new AlcoveError('file_damaged', 'damaged'));
    for (const result of await Promise.allSettled([open('a'), open('a')]))
      expect(result).toMatchObject({ reason: { code: 'file_damaged' } });
    await expect(open('a')).rejects.toMatchObject({ code: 'file_damaged' });
    expect(log).toEqual(['open a any']);
    fails.clear();
    runtime.advance(1000);
    expect((await open('a')).id).toBe('a');
  });

  it('[HO-8] a room that failed is closed and opened again from disk', async () => {
    const first = await open('a');
    first.idle = false;
    directory.failed(at('a'), first, new AlcoveError('room_failed', 'disk'));
    expect(first.closedBy).toBe('room_failed');
    const again = open('a');
    await first.freed();
    const second = await again;
    directory.failed(at('a'), first, new AlcoveError('room_failed', 'late'));
    expect(second.closedBy).toBeNull();
  });

  it('[HO-9] create refuses a room that is there, open or not; existing refuses one that is not', async () => {
    await expect(open('a', 'existing')).rejects.toMatchObject({ code: 'room_unknown' });
    await open('a', 'new');
    await expect(open('a', 'new')).rejects.toMatchObject({ code: 'room_exists' });
    files.add('b');
    await expect(open('b', 'new')).rejects.toMatchObject({ code: 'room_exists' });
    expect((await open('b', 'existing')).id).toBe('b');
  });

  it('[HO-9] remove closes first, and a room of that id can be made again', async () => {
    const room = await open('a');
    room.idle = false;
    const removing = directory.remove(at('a'));
    await settled();
    expect(room.closedBy).toBe('closed');
    const again = open('a');
    await room.freed();
    expect(await removing).toBe(true);
    expect(await again).not.toBe(room);
    expect(log).toEqual(['open a any', 'remove a', 'open a any']);
    expect(await directory.remove(at('none'))).toBe(false);
  });

  it('[HO-9] lists by prefix, page by page', async () => {
    for (const id of ['b1', 'a2', 'a1', 'a3']) files.add(id);
    expect(await directory.list('trip')).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(await directory.list('trip', { prefix: 'a', limit: 2 })).toEqual(['a1', 'a2']);
    expect(await directory.list('trip', { prefix: 'a', limit: 2, after: 'a2' })).toEqual(['a3']);
    for (const limit of [0, 10_001, 1.5, Number.NaN])
      await expect(directory.list('trip', { limit })).rejects.toMatchObject({ code: 'option_invalid' });
  });

  it('[HO-25] closeAll closes all, also what is just opening, and lets nobody in any more', async () => {
    const a = await open('a');
    opening.set('b', () => undefined);
    const b = open('b');
    await settled();
    const closing = directory.closeAll(new AlcoveError('draining', 'stopping'));
    await expect(open('c')).rejects.toMatchObject({ code: 'draining' });
    opening.get('b')?.();
    await expect(b).rejects.toMatchObject({ code: 'draining' });
    await a.freed();
    for (const room of directory.openRooms()) await room.freed();
    await settled();
    expect(a.closedBy).toBe('draining');
    void closing;
  });
});
