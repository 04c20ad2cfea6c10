import { expect, it } from 'vitest';
import type { StoragePlace, StoredRejection } from '../../packages/client/src/storage/storage.ts';
import {
  advanceWith,
  clientOf,
  commitFrom,
  imaged,
  mutationOf,
  newPlace,
  reload,
  type Row,
  type StorageWorld,
  withRoom,
} from './storage-samples.ts';

/** What everybody may rely on where rows are damaged or missing. */
export function damageContract(make: () => StorageWorld): void {
  const filled = async (world: StorageWorld): Promise<StoragePlace> => {
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 1);
      await room.advance(advanceWith({ commits: [commitFrom(1, 2), commitFrom(2, 3), commitFrom(3, 4)] }));
      await room.enqueue(
        clientOf('a', { lastMutationId: 3 }),
        [1, 2, 3].map((id) => mutationOf('a', id)),
      );
    });
    return place;
  };
  const flipped = (row: Row): Row => {
    if (!(row instanceof Uint8Array)) return { ...row, text: row.text.replace(/[a-z](?=[^a-z]*$)/, '~') };
    const bytes = row.slice();
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    return bytes;
  };

  it('[ST-11] a damaged, cut or missing image is thrown away, once, and the outbox stays', async () => {
    const world = make();
    const changes: ((row: Row) => Row | undefined)[] = [
      flipped,
      (row) => (row instanceof Uint8Array ? row.slice(1) : row),
      () => undefined,
    ];
    for (const change of changes) {
      const place = await filled(world);
      await world.damage(place, 'image', (row, key) => (Array.isArray(key) && key[1] === 1 ? change(row) : row));
      const found = await reload(world, place);
      expect(found).toMatchObject({ replica: null, damage: [{ what: 'image' }] });
      expect(found.mutations).toHaveLength(3);
      expect(await reload(world, place)).toMatchObject({ replica: null, damage: [], groupId: found.groupId });
    }
  });

  it('[ST-11] a damaged or missing commit ends the tail before it', async () => {
    const world = make();
    for (const change of [flipped, () => undefined]) {
      const place = await filled(world);
      await world.damage(place, 'tail', (row, key) => (key === 3 ? change(row) : row));
      const found = await reload(world, place);
      expect(found.replica?.tail).toEqual([commitFrom(1, 2)]);
      expect(found.damage).toMatchObject([{ what: 'tail' }]);
    }
  });

  it('[ST-60] a tail that was damaged is whole again from then on: it is told once, and what comes after goes on it', async () => {
    const world = make();
    for (const [damaged, left] of [
      [3, 2],
      [4, 3],
      [2, 1],
    ] as const) {
      for (const change of [flipped, () => undefined]) {
        const place = await filled(world);
        await world.damage(place, 'tail', (row, key) => (key === damaged ? change(row) : row));
        expect((await reload(world, place)).damage).toMatchObject([{ what: 'tail' }]);
        const whole = [commitFrom(1, 2), commitFrom(2, 3), commitFrom(3, 4), commitFrom(4, 5)];
        const again = await withRoom(world, place, async (room) => {
          const loaded = await room.load();
          expect(await room.advance(advanceWith({ commits: [commitFrom(left + 1, left + 2)] }))).toMatchObject({ tail: 'gap' });
          expect(await room.advance(advanceWith({ commits: whole.slice(left - 1) }))).toMatchObject({ tail: 'appended' });
          return loaded;
        });
        expect(again).toMatchObject({ damage: [], replica: { tail: whole.slice(0, left - 1) } });
        const { damage, replica } = await reload(world, place);
        expect(damage).toEqual([]);
        expect(replica?.tail).toEqual(whole);
        expect(replica?.tailBytes).toBe(whole.reduce((sum, commit) => sum + JSON.stringify(commit).length, 0));
      }
    }
  });

  it('[ST-11] a damaged header takes the replica with it and not the outbox', async () => {
    const world = make();
    for (const change of [flipped, () => undefined]) {
      const place = await filled(world);
      await world.damage(place, 'header', change);
      const found = await reload(world, place);
      expect(found).toMatchObject({ replica: null, isNew: false });
      expect(found.mutations).toHaveLength(3);
      const again = await reload(world, place);
      expect(again).toMatchObject({ groupId: found.groupId, damage: [] });
    }
  });

  it('[TB-8] where the header is gone the place goes on as the group of the client that wrote last', async () => {
    const world = make();
    const place = newPlace();
    const groups = ['of a page before', 'of the last page', null];
    await withRoom(world, place, async (room) => {
      for (const [index, groupId] of groups.entries()) {
        const seenAtMs = 1_800_000_000_000 + index;
        await room.enqueue(clientOf(`client ${index}`, { lastMutationId: 1, groupId, seenAtMs }), [mutationOf(`client ${index}`, 1)]);
      }
    });
    await world.damage(place, 'header', () => undefined);
    expect((await reload(world, place)).groupId).toBe('of the last page');
    expect(await reload(world, place)).toMatchObject({ groupId: 'of the last page', damage: [] });
  });

  it('[TB-8] a client’s group is kept once it is known', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await room.enqueue(clientOf('a', { lastMutationId: 1, groupId: 'its group' }), [mutationOf('a', 1)]);
      await room.enqueue(clientOf('a', { lastMutationId: 2 }), [mutationOf('a', 2)]);
    });
    expect((await reload(world, place)).clients).toMatchObject([{ lastMutationId: 2, groupId: 'its group' }]);
  });

  it('[ST-12] mutations that were minted and are not there are told', async () => {
    const world = make();
    for (const change of [flipped, () => undefined]) {
      const place = await filled(world);
      await world.damage(place, 'mutations', (row, key) => (Array.isArray(key) && key[1] === 2 ? change(row) : row));
      const found = await reload(world, place);
      expect(found.mutations.map(({ mutationId }) => mutationId)).toEqual([1, 3]);
      expect(found.damage.every(({ what }) => what === 'outbox')).toBe(true);
      expect(found.damage.length).toBeGreaterThan(0);
    }
  });

  it('[ST-23] what is damaged of the outbox is told once, and what can be read stays', async () => {
    const world = make();
    for (const change of [flipped, () => undefined]) {
      const place = await filled(world);
      await world.damage(place, 'mutations', (row, key) => (Array.isArray(key) && key[1] === 2 ? change(row) : row));
      expect((await reload(world, place)).damage.length).toBeGreaterThan(0);
      const again = await reload(world, place);
      expect(again).toMatchObject({ damage: [], clients: [{ clientId: 'a', lastMutationId: 3, confirmed: 0 }] });
      expect(again.mutations).toEqual([mutationOf('a', 1), mutationOf('a', 3)]);
      await withRoom(world, place, (room) => room.enqueue(clientOf('a', { lastMutationId: 4 }), [mutationOf('a', 4)]));
      expect((await reload(world, place)).mutations.map(({ mutationId }) => mutationId)).toEqual([1, 3, 4]);
      const confirmed = clientOf('a', { lastMutationId: 4, confirmed: 4 });
      await withRoom(world, place, (room) => room.advance(advanceWith({ clients: [confirmed] })));
      expect(await reload(world, place)).toMatchObject({ damage: [], mutations: [] });
    }
  });

  it('[ST-23] a client whose row is damaged or gone has its counters back from its mutations', async () => {
    const world = make();
    for (const change of [flipped, () => undefined]) {
      const place = await filled(world);
      await withRoom(world, place, (room) => room.advance(advanceWith({ clients: [clientOf('a', { lastMutationId: 3, confirmed: 1 })] })));
      await world.damage(place, 'clients', change);
      expect((await reload(world, place)).damage.map(({ what }) => what)).toContain('outbox');
      expect(await reload(world, place)).toMatchObject({ damage: [], mutations: [mutationOf('a', 2), mutationOf('a', 3)] });
      await world.damage(place, 'clients', change);
      await world.damage(place, 'mutations', (row, key) => (Array.isArray(key) && key[1] === 3 ? flipped(row) : row));
      expect((await reload(world, place)).damage.length).toBeGreaterThan(0);
      const again = await reload(world, place);
      expect(again).toMatchObject({ damage: [], clients: [{ clientId: 'a', lastMutationId: 3, confirmed: 1 }] });
      expect(again.mutations).toEqual([mutationOf('a', 2)]);
    }
  });

  it('[ST-23] of a client of which nothing can be read nothing is left, nor of a rejection', async () => {
    const world = make();
    const place = await filled(world);
    const rejection: StoredRejection = {
      key: 'a 9',
      mutation: mutationOf('a', 9),
      error: { code: 'mutator_failed', message: 'no' },
      atMs: 1,
    };
    await withRoom(world, place, (room) => room.advance(advanceWith({ rejections: [rejection] })));
    for (const table of ['clients', 'mutations', 'rejections'] as const) await world.damage(place, table, flipped);
    expect(new Set((await reload(world, place)).damage.map(({ what }) => what))).toEqual(new Set(['outbox', 'rejection']));
    expect(await reload(world, place)).toMatchObject({ damage: [], clients: [], mutations: [], rejections: [] });
  });
}
