import { expect, it } from 'vitest';
import { advanceWith, clientOf, mutationOf, newPlace, reload, type StorageWorld, withRoom } from './storage-samples.ts';

/** What becomes of clients that are removed or renamed. */
export function removalContract(make: () => StorageWorld): void {
  goneContract(make);
  putAsideContract(make);

  it('[ST-69] what goes by other names is there under those alone, also where another tab is in between', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await room.enqueue(clientOf('a', { lastMutationId: 2 }), [mutationOf('a', 1), mutationOf('a', 2)]);
      await Promise.all([
        room.rename(
          [
            { client: clientOf('a~2', { lastMutationId: 1 }), mutations: [mutationOf('a~2', 1)] },
            { client: clientOf('b~2', { lastMutationId: 1 }), mutations: [mutationOf('b~2', 1)] },
          ],
          [
            { clientId: 'a', lastMutationId: 2 },
            { clientId: 'nobody', lastMutationId: 0 },
          ],
        ),
        // Before or after it, never half of it.
        room.outbox().then(({ clients }) => expect([['a'], ['a~2', 'b~2']]).toContainEqual(clients.map(({ clientId }) => clientId))),
      ]);
    });
    const { clients, mutations } = await reload(world, place);
    expect(clients.map(({ clientId }) => clientId)).toEqual(['a~2', 'b~2']);
    expect(mutations).toEqual([mutationOf('a~2', 1), mutationOf('b~2', 1)]);
  });

  it('[ST-62] of a client that is removed what another tab wrote since stays, and is pending', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      for (const lastMutationId of [1, 2, 3]) await room.enqueue(clientOf('a', { lastMutationId }), [mutationOf('a', lastMutationId)]);
      // Written by tabs that know less of it.
      await room.enqueue(clientOf('a', { lastMutationId: 2 }), [mutationOf('a', 2)]);
      await room.advance(advanceWith({ clients: [clientOf('a', { lastMutationId: 1, confirmed: 1 })] }));
      await room.removeClients([{ clientId: 'a', lastMutationId: 2 }]);
    });
    const kept = await reload(world, place);
    expect(kept).toMatchObject({ damage: [], clients: [{ clientId: 'a', lastMutationId: 3, confirmed: 2 }] });
    expect(kept.mutations).toEqual([mutationOf('a', 3)]);
    await withRoom(world, place, (room) => room.removeClients([{ clientId: 'a', lastMutationId: 3 }]));
    expect(await reload(world, place)).toMatchObject({ damage: [], clients: [], mutations: [] });
  });
}

/** One that is given up while something of it is put aside. */
function putAsideContract(make: () => StorageWorld): void {
  it('[ST-4] of a client that is given up what is listed is there and the rest is gone, or neither', async () => {
    const world = make();
    const place = newPlace();
    const rejection = { key: 'a 1', mutation: mutationOf('a', 1), error: { code: 'client_unknown', message: 'gone' }, atMs: 1 } as const;
    await withRoom(world, place, async (room) => {
      await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
      const given = room.advance(advanceWith({ rejections: [rejection] }), [{ clientId: 'a', lastMutationId: 1 }]);
      const seen = room.load('outbox').then(({ clients, rejections }) => clients.length + rejections.length);
      expect(await seen).toBe(1);
      await given;
    });
    expect(await reload(world, place)).toMatchObject({ damage: [], clients: [], mutations: [], rejections: [rejection] });
    expect(await withRoom(world, place, (room) => room.outbox(['a']))).toMatchObject({ gone: [{ clientId: 'a', lastMutationId: 1 }] });
  });
}

function goneContract(make: () => StorageWorld): void {
  const nameOf = (at: number): string => `client ${at}`;

  it('[TB-11] of clients that were removed, or renamed, it is known which, up to where and with which version they ended; not of one that is there again', async () => {
    const world = make();
    const place = newPlace();
    const confirmedAt = { historyId: 'history-1', version: 7 };
    const gone = await withRoom(world, place, async (room) => {
      for (const clientId of ['a', 'b', 'c', 'd']) await room.enqueue(clientOf(clientId, { lastMutationId: 1 }), [mutationOf(clientId, 1)]);
      await room.advance(advanceWith({ clients: [clientOf('a', { lastMutationId: 1, confirmed: 1, confirmedAt })] }));
      const removed = (clientId: string, lastMutationId: number) => ({ clientId, lastMutationId });
      await room.removeClients([removed('a', 1), removed('b', 0), removed('c', 1), removed('never there', 3)]);
      await room.rename([{ client: clientOf('d~2', { lastMutationId: 1 }), mutations: [mutationOf('d~2', 1)] }], [removed('d', 1)]);
      await room.enqueue(clientOf('c', { lastMutationId: 2 }), [mutationOf('c', 2)]);
      expect((await room.outbox()).gone).toBeUndefined();
      expect((await room.outbox(['b', 'c', 'd~2', 'unknown'])).gone).toBeUndefined();
      return (await room.outbox(['a', 'b', 'c', 'd', 'never there'])).gone;
    });
    expect(gone).toEqual([
      { clientId: 'a', lastMutationId: 1, confirmedAt },
      { clientId: 'never there', lastMutationId: 3, confirmedAt: null },
      { clientId: 'd', lastMutationId: 1, confirmedAt: null },
    ]);
  });

  it('[TB-11] the last 250 are remembered, each once; where that cannot be read, none, and from then on again', async () => {
    const world = make();
    const place = newPlace();
    const remove = (...ats: number[]) =>
      withRoom(world, place, (room) => room.removeClients(ats.map((at) => ({ clientId: nameOf(at), lastMutationId: at }))));
    const found = async () => {
      const { gone = [] } = await withRoom(world, place, (room) => room.outbox(Array.from({ length: 400 }, (_, at) => nameOf(at))));
      return gone.map(({ lastMutationId }) => lastMutationId);
    };
    await remove(0, 1, 2);
    await remove(...Array.from({ length: 248 }, (_, index) => index + 3));
    await remove(1);
    expect(await found()).toEqual([...Array.from({ length: 249 }, (_, index) => index + 2), 1]);
    await world.damage(place, 'header', (row, key) => (key === 'gone clients' && 'text' in row ? { ...row, sum: '' } : row));
    expect(await found()).toEqual([]);
    await remove(7);
    expect(await found()).toEqual([7]);
    expect((await reload(world, place)).damage).toEqual([]);
  });
}
