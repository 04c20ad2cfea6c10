import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import type { StoredRejection } from '../../packages/client/src/storage/storage.ts';
import { damageContract } from './storage-damage-contract.ts';
import { removalContract } from './storage-removal-contract.ts';
import { replicaContract } from './storage-replica-contract.ts';
import {
  advanceWith,
  clientOf,
  codeOf,
  commitFrom,
  imaged,
  mutationOf,
  namedSchemaOf,
  newPlace,
  reload,
  type StorageWorld,
  withRoom,
} from './storage-samples.ts';

/** What everybody may rely on of a Storage. */
export function storageContract(name: string, make: () => StorageWorld): void {
  describe(`storage contract: ${name}`, () => {
    placesContract(make);
    forgetContract(make);
    outboxContract(make);
    removalContract(make);
    namedSchemasContract(make);
    rejectionsContract(make);
    partsContract(make);
    replicaContract(make);
    damageContract(make);
    endContract(make);
  });
}

function placesContract(make: () => StorageWorld): void {
  it('[ST-1] begins a place once and knows it again', async () => {
    const world = make();
    const place = newPlace();
    const first = await reload(world, place);
    expect(first).toMatchObject({ isNew: true, replica: null, clients: [], mutations: [], rejections: [], damage: [] });
    const again = await reload(world, place);
    expect(again).toMatchObject({ isNew: false, groupId: first.groupId, damage: [] });
  });

  it('[ST-1] keeps users, servers and rooms apart', async () => {
    const world = make();
    const place = newPlace();
    const others = [{ user: null }, { user: 'bob' }, { server: 'ws://there' }, { roomName: 'board' }, { roomId: `${place.roomId}x` }];
    await withRoom(world, place, (room) => room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]));
    for (const other of others) expect(await reload(world, { ...place, ...other })).toMatchObject({ isNew: true, mutations: [] });
    expect((await reload(world, place)).mutations).toEqual([mutationOf('a', 1)]);
  });

  it('[ST-2] removes a place and nothing else', async () => {
    const world = make();
    const [place, other] = [newPlace(), newPlace()];
    const groups = [await reload(world, place), await reload(world, other)].map(({ groupId }) => groupId);
    await world.storage.remove(place);
    const [emptied, kept] = [await reload(world, place), await reload(world, other)];
    expect(emptied.isNew).toBe(true);
    expect(emptied.groupId).not.toBe(groups[0]);
    expect(kept).toMatchObject({ isNew: false, groupId: groups[1] });
  });
}

function forgetContract(make: () => StorageWorld): void {
  it('[ST-55] who kept something in a place that was removed is told so, and begins nothing there again; others do', async () => {
    const world = make();
    const place = newPlace();
    const room = await world.storage.open(place);
    const { groupId } = await room.load();
    await room.enqueue(clientOf('a', { lastMutationId: 1, groupId: 'another group' }), [mutationOf('a', 1)]);
    const ended = new Promise<string>((resolve) => room.onEnded(({ code }) => resolve(code)));
    await world.storage.remove(place);
    expect(await ended).toBe('storage_failed');
    expect(await codeOf(room.enqueue(clientOf('a', { lastMutationId: 2 }), [mutationOf('a', 2)]))).toBe('storage_failed');
    for (const group of [groupId, 'another group']) expect(await codeOf(world.storage.open(place, group))).toBe('closed');
    const next = await world.storage.open(place, 'a new group');
    expect(await next.load()).toMatchObject({ isNew: true, groupId: 'a new group', clients: [], mutations: [] });
    next.close();
    room.close();
  });

  it('[ST-55] removing what is not there, or was removed, is nothing', async () => {
    const world = make();
    const place = newPlace();
    await world.storage.remove(place);
    await world.storage.remove(place);
    expect((await reload(world, place)).isNew).toBe(true);
  });
}

function outboxContract(make: () => StorageWorld): void {
  it('[ST-27] of first welcomes the earliest counts, whoever writes', async () => {
    const world = make();
    const place = newPlace();
    const welcomes: (number | null)[] = [];
    for (const welcomed of [null, 9, 12, null, 7]) {
      await withRoom(world, place, (room) => room.enqueue(clientOf('a', { lastMutationId: 1, welcomed }), [mutationOf('a', 1)]));
      welcomes.push((await reload(world, place)).clients[0]?.welcomed ?? null);
    }
    expect(welcomes).toEqual([null, 9, 9, 9, 7]);
  });

  it('[ST-3] has what was enqueued, each client in order, the oldest call first', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await room.enqueue(clientOf('late', { lastMutationId: 1 }), [mutationOf('late', 1, 3_000)]);
      await room.enqueue(clientOf('early', { lastMutationId: 1 }), [mutationOf('early', 1, 1_000)]);
      const more = Array.from({ length: 120 }, (_, index) => mutationOf('early', index + 2, 2_000));
      await room.enqueue(clientOf('early', { lastMutationId: 121 }), more);
    });
    const { clients, mutations, damage } = await reload(world, place);
    expect(clients.map(({ clientId, lastMutationId }) => [clientId, lastMutationId])).toEqual([
      ['early', 121],
      ['late', 1],
    ]);
    expect(mutations.map(({ clientId, mutationId }) => `${clientId} ${mutationId}`)).toEqual([
      ...Array.from({ length: 121 }, (_, index) => `early ${index + 1}`),
      'late 1',
    ]);
    expect(mutations[0]).toEqual(mutationOf('early', 1, 1_000));
    expect(damage).toEqual([]);
  });

  it('[ST-4] a mutation goes with the commit that settled it, and a rejection stays until it is dismissed', async () => {
    const world = make();
    const place = newPlace();
    const mutations = [1, 2, 3].map((id) => mutationOf('a', id));
    const rejection: StoredRejection = {
      key: 'a 2',
      mutation: mutationOf('a', 2),
      error: { code: 'mutator_failed', message: 'no room for two' },
      atMs: 1,
    };
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 4);
      await room.enqueue(clientOf('a', { lastMutationId: 3 }), mutations);
      const confirmed = clientOf('a', { lastMutationId: 3, confirmed: 2, confirmedAt: { historyId: 'history-1', version: 5 } });
      await room.advance(advanceWith({ commits: [commitFrom(4, 5)], clients: [confirmed], rejections: [rejection] }));
    });
    const after = await reload(world, place);
    expect(after.mutations).toEqual([mutationOf('a', 3)]);
    expect(after.clients[0]).toMatchObject({ confirmed: 2, confirmedAt: { version: 5 } });
    expect(after.replica?.tail).toEqual([commitFrom(4, 5)]);
    expect(after.rejections).toEqual([rejection]);
    await withRoom(world, place, (room) => room.dismiss(['a 2']));
    expect((await reload(world, place)).rejections).toEqual([]);
  });

  it('[ST-77] what was decided before it was written is not missed where what followed on it is written with that word', async () => {
    const world = make();
    const place = newPlace();
    const ended = { lastMutationId: 4, confirmed: 3, confirmedAt: { historyId: 'history-1', version: 5 } };
    await withRoom(world, place, async (room) => {
      await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
      await room.enqueue(clientOf('a', ended), [mutationOf('a', 4)]);
      await room.enqueue(clientOf('a', { lastMutationId: 5, confirmed: 4 }), [mutationOf('a', 5)]);
    });
    const after = await reload(world, place);
    expect(after.mutations.map(({ mutationId }) => mutationId)).toEqual([4, 5]);
    expect(after.clients[0]).toMatchObject({ lastMutationId: 5, confirmed: 3, confirmedAt: { version: 5 } });
    expect(after.damage).toEqual([]);
  });

  it('[ST-5] another tab sees what was enqueued; removed clients are gone with what was pending', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, (first) =>
      withRoom(world, place, async (second) => {
        await first.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
        await second.enqueue(clientOf('b', { lastMutationId: 1 }), [mutationOf('b', 1)]);
        expect((await first.outbox()).mutations.map(({ clientId }) => clientId)).toEqual(['a', 'b']);
        await second.removeClients([{ clientId: 'a', lastMutationId: 1 }]);
        expect(await first.outbox()).toMatchObject({ clients: [{ clientId: 'b' }], mutations: [mutationOf('b', 1)] });
      }),
    );
  });
}

/** Two builds of one app: the second has a table more. */
const OLDER = namedSchemaOf('older', { notes: sqliteTable('notes', { id: text().primaryKey() }) });
const NEWER = namedSchemaOf('newer', {
  notes: sqliteTable('notes', { id: text().primaryKey() }),
  tags: sqliteTable('tags', { id: text().primaryKey() }),
});

function namedSchemasContract(make: () => StorageWorld): void {
  const pendingOf = (clientId: string) => [clientOf(clientId, { lastMutationId: 1 }), [mutationOf(clientId, 1)]] as const;

  it('[ST-72] what a mutation was called under is kept with it, once, also where it only goes by another name', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await room.enqueue(...pendingOf('a'));
      expect((await room.outbox()).schemas).toEqual([]);
      await room.enqueue(...pendingOf('b'), OLDER);
      await room.enqueue(...pendingOf('c'), OLDER);
      expect((await room.outbox(['b'])).schemas).toEqual([OLDER]);
    });
    expect((await reload(world, place)).schemas).toEqual([OLDER]);
    await withRoom(world, place, (room) =>
      room.rename([{ client: clientOf('d', { lastMutationId: 1 }), mutations: [mutationOf('d', 1)] }], [], NEWER),
    );
    expect(await reload(world, place)).toMatchObject({ schemas: [NEWER], damage: [] });
    await withRoom(world, place, (room) => room.dropReplica());
    expect((await reload(world, place)).schemas).toEqual([NEWER]);
  });

  it('[ST-72] an older build beside it takes nothing away, and one that cannot be read is as if nothing had been said', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await room.enqueue(...pendingOf('a'), NEWER);
      await room.enqueue(...pendingOf('b'), OLDER);
    });
    expect(new Set((await reload(world, place)).schemas)).toEqual(new Set([NEWER, OLDER]));
    await world.damage(place, 'header', (row, key) => (key === `schema ${NEWER.schemaId}` && 'text' in row ? { ...row, sum: '' } : row));
    expect(await reload(world, place)).toMatchObject({ schemas: [OLDER], mutations: [{ clientId: 'a' }, { clientId: 'b' }], damage: [] });
  });
}

function rejectionsContract(make: () => StorageWorld): void {
  const rejectionAt = (key: string, atMs: number): StoredRejection => ({
    key,
    mutation: mutationOf('a', atMs),
    error: { code: 'mutator_failed', message: 'no' },
    atMs,
  });

  it('[ST-65][TB-12] rejections come in the order of time, of too many the newest are kept, and those that are new can be had alone', async () => {
    const world = make();
    const place = newPlace();
    const many = Array.from({ length: 1_150 }, (_, at) => rejectionAt(`z ${at + 1}`, at + 1));
    const counts = await withRoom(world, place, async (room) => {
      await room.advance(advanceWith({ rejections: [rejectionAt('b 1', 5_000)] }));
      await room.advance(advanceWith({ rejections: many.slice(0, 1_050) }));
      const before = (await room.load()).rejections;
      await room.advance(advanceWith({ rejections: [...many.slice(1_050), rejectionAt('a 1', 6_000)] }));
      return before.map(({ atMs }) => atMs);
    });
    const times = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);
    expect(counts).toEqual([...times(52, 1_050), 5_000]);
    expect((await reload(world, place)).rejections.map(({ atMs }) => atMs)).toEqual([...times(153, 1_150), 5_000, 6_000]);
    const found = await withRoom(world, place, (room) => room.rejections(new Set(['gone 1', 'z 1150', 'b 1', 'a 1'])));
    expect([found.keys.length, found.fresh.length, found.fresh.at(-1)?.atMs]).toEqual([1_000, 997, 1_149]);
    let rows = 0;
    await world.damage(place, 'rejections', (row) => {
      rows += 1;
      return row;
    });
    expect(rows).toBe(1_000);
  });
}

function partsContract(make: () => StorageWorld): void {
  it('[ST-22] the outbox and what was rejected can be had without the replica, which stays as it is', async () => {
    const world = make();
    const place = newPlace();
    const rejection: StoredRejection = {
      key: 'a 2',
      mutation: mutationOf('a', 2),
      error: { code: 'mutator_failed', message: 'no' },
      atMs: 1,
    };
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 4);
      await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
      await room.advance(advanceWith({ commits: [commitFrom(4, 5)], rejections: [rejection] }));
    });
    const { groupId } = await reload(world, place);
    const part = await withRoom(world, place, (room) => room.load('outbox'));
    expect(part).toMatchObject({
      groupId,
      isNew: false,
      replica: null,
      rejections: [rejection],
      mutations: [mutationOf('a', 1)],
      damage: [],
    });
    expect((await reload(world, place)).replica?.tail).toEqual([commitFrom(4, 5)]);
  });

  it('[ST-70] the replica can be had alone: what is damaged of the rest is told to whoever reads that', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 4);
      await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
    });
    await world.damage(place, 'mutations', () => undefined);
    const part = await withRoom(world, place, (room) => room.load('replica'));
    expect(part).toMatchObject({ replica: { tail: [] }, clients: [], mutations: [], rejections: [], damage: [] });
    expect((await reload(world, place)).damage).toMatchObject([{ what: 'outbox' }]);
  });

  it('[ST-5] the outbox of some clients is had without the others', async () => {
    const world = make();
    const place = newPlace();
    const some = await withRoom(world, place, async (room) => {
      for (const clientId of ['a', 'b', 'c']) await room.enqueue(clientOf(clientId, { lastMutationId: 1 }), [mutationOf(clientId, 1)]);
      return room.outbox(['c', 'a', 'unknown']);
    });
    expect(some.clients.map(({ clientId }) => clientId)).toEqual(['a', 'c']);
    expect(some.mutations).toEqual([mutationOf('a', 1), mutationOf('c', 1)]);
  });
}

function endContract(make: () => StorageWorld): void {
  it('[ST-13] a place that is cleared under a tab tells it, and every later call says so', async () => {
    const world = make();
    const place = newPlace();
    const room = await world.storage.open(place);
    const ended = new Promise<string>((resolve) => room.onEnded(({ code }) => resolve(code)));
    await world.clear(place);
    expect(await ended).toBe('storage_failed');
    expect(await codeOf(room.enqueue(clientOf('a'), []))).toBe('storage_failed');
    expect(await codeOf(room.load())).toBe('storage_failed');
    room.close();
    expect(await reload(world, place)).toMatchObject({ isNew: true, clients: [] });
  });

  it('[ST-13] after close every call is refused, and the place stays', async () => {
    const world = make();
    const place = newPlace();
    const room = await world.storage.open(place);
    const { groupId } = await room.load();
    room.close();
    room.close();
    expect(await codeOf(room.outbox())).toBe('closed');
    expect(await reload(world, place)).toMatchObject({ isNew: false, groupId });
  });
}
