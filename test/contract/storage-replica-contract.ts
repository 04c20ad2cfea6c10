import { expect, it } from 'vitest';
import {
  advanceWith,
  clientOf,
  commitFrom,
  imageAt,
  imaged,
  mutationOf,
  newPlace,
  positionAt,
  reload,
  type StorageWorld,
  withRoom,
} from './storage-samples.ts';

/** What everybody may rely on of image and tail. */
export function replicaContract(make: () => StorageWorld): void {
  migratedContract(make);
  imagerContract(make);
  lostEndContract(make);
  it('[ST-6] an image comes back byte for byte, with the commits after it in order', async () => {
    const world = make();
    const place = newPlace();
    const image = await withRoom(world, place, async (room) => {
      const written = await imaged(world, room, 10);
      await room.advance(advanceWith({ commits: [commitFrom(10, 11), commitFrom(11, 14)] }));
      const advanced = await room.advance(advanceWith({ commits: [commitFrom(14, 15)] }));
      expect(advanced).toMatchObject({ tail: 'appended', imageBytes: 5_000_000 });
      expect(advanced.tailBytes).toBeGreaterThan(300);
      return written;
    });
    const { replica, damage } = await reload(world, place);
    expect(damage).toEqual([]);
    expect(replica?.image.position).toEqual(image.position);
    expect(replica?.image.bytes.length).toBe(image.bytes.length);
    expect(await world.hexOfSha256(replica?.image.bytes ?? new Uint8Array())).toBe(image.sha256);
    expect(replica?.tail).toEqual([commitFrom(10, 11), commitFrom(11, 14), commitFrom(14, 15)]);
  });

  it('[ST-7] what several tabs append is kept once, however it is cut', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, (first) =>
      withRoom(world, place, async (second) => {
        await imaged(world, first, 1);
        const tails = await Promise.all([
          first.advance(advanceWith({ commits: [commitFrom(1, 2), commitFrom(2, 3)] })),
          second.advance(advanceWith({ commits: [commitFrom(1, 3)] })),
          second.advance(advanceWith({ commits: [commitFrom(3, 6)] })),
          first.advance(advanceWith({ commits: [commitFrom(3, 4), commitFrom(4, 7)] })),
        ]);
        expect(tails.map(({ tail }) => tail)).toEqual(['appended', 'appended', 'appended', 'appended']);
      }),
    );
    const tail = (await reload(world, place)).replica?.tail ?? [];
    expect(tail.at(-1)?.to).toBe(7);
    let version = 1;
    for (const commit of tail) {
      expect(commit.from).toBeLessThanOrEqual(version);
      expect(commit.to).toBeGreaterThan(version);
      version = commit.to;
    }
  });

  it('[ST-34] a commit for another view does not follow, nor does what comes with it', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      const { position } = await imaged(world, room, 1);
      const append = async (...views: (string | undefined)[]) => {
        const made = views.map((view, at) => ({ ...commitFrom(at + 1, at + 2), ...(view === undefined ? {} : { view }) }));
        return (await room.advance(advanceWith({ commits: made }))).tail;
      };
      expect([await append('another'), await append(position.view, 'another'), await append(position.view, undefined)]).toEqual([
        'other',
        'other',
        'appended',
      ]);
    });
    expect((await reload(world, place)).replica?.tail).toEqual([commitFrom(1, 2), commitFrom(2, 3)]);
  });

  it('[ST-28] a range that begins before the end of what is kept takes the place of what it covers, or does not follow: what came and went in it would stay', async () => {
    const world = make();
    const place = newPlace();
    const kept = async () => {
      const { replica, damage } = await reload(world, place);
      expect(damage).toEqual([]);
      return [replica?.image.position.version, ...(replica?.tail ?? []).map(({ from, to }) => `${from}-${to}`)];
    };
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 1);
      const append = async (...commits: [number, number][]) =>
        (await room.advance(advanceWith({ commits: commits.map(([from, to]) => commitFrom(from, to)) }))).tail;
      expect(await append([1, 2], [2, 4], [4, 5])).toBe('appended');
      expect(await append([3, 6])).toBe('gap');
      expect(await kept()).toEqual([1, '1-2', '2-4', '4-5']);
      expect(await append([2, 6], [6, 7])).toBe('appended');
      expect(await kept()).toEqual([1, '1-2', '2-6', '6-7']);
      expect(await append([1, 3], [3, 5], [5, 9])).toBe('appended');
      expect(await kept()).toEqual([1, '1-3', '3-5', '5-9']);
      await imaged(world, room, 5);
      expect(await kept()).toEqual([5, '5-9']);
      await imaged(world, room, 7);
      expect(await kept()).toEqual([7]);
      expect(await append([7, 8])).toBe('appended');
    });
    const replica = (await reload(world, place)).replica;
    expect(replica?.tailBytes).toBe(replica?.tail.reduce((sum, commit) => sum + JSON.stringify(commit).length, 0));
  });

  it('[ST-8] nothing is appended that does not follow: a gap, another history, a fork, another schema', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      expect(await room.advance(advanceWith({ commits: [commitFrom(1, 2)] }))).toMatchObject({ tail: 'other', imageBytes: 0 });
      await imaged(world, room, 5);
      expect(await room.advance(advanceWith({ commits: [commitFrom(6, 7)] }))).toMatchObject({ tail: 'gap' });
      expect(await room.advance(advanceWith({ historyId: 'history-2', commits: [commitFrom(5, 6)] }))).toMatchObject({ tail: 'other' });
      expect(await room.advance(advanceWith({ commits: [{ ...commitFrom(4, 5), hash: 'another' }] }))).toMatchObject({ tail: 'fork' });
      expect(await room.advance(advanceWith({ commits: [{ ...commitFrom(5, 6), onto: 'another' }] }))).toMatchObject({ tail: 'fork' });
      expect(await room.advance(advanceWith({ commits: [{ ...commitFrom(5, 6), schema: 'schema-2' }] }))).toMatchObject({ tail: 'other' });
      expect(await room.advance(advanceWith({ commits: [commitFrom(2, 4)] }))).toMatchObject({ tail: 'appended', tailBytes: 0 });
    });
    expect((await reload(world, place)).replica).toMatchObject({ tail: [], tailBytes: 0 });
  });

  it('[ST-8] a commit that says where it begins goes on nothing else, nor in the place of what followed there', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 1);
      const append = async (from: number, to: number, onto: string) =>
        (await room.advance(advanceWith({ commits: [{ ...commitFrom(from, to), onto }] }))).tail;
      expect(await append(1, 3, 'hash-1')).toBe('appended');
      expect(await append(3, 5, 'hash-3')).toBe('appended');
      expect(await append(3, 6, 'another')).toBe('fork');
      expect(await append(1, 6, 'another')).toBe('fork');
      expect(await append(5, 6, 'another')).toBe('fork');
      expect(await append(3, 6, 'hash-3')).toBe('appended');
    });
    expect((await reload(world, place)).replica?.tail).toEqual([commitFrom(1, 3), commitFrom(3, 6)]);
  });

  it('[ST-9] a newer image takes the place of the one before and the tail up to it', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 1);
      await room.advance(advanceWith({ commits: [commitFrom(1, 3), commitFrom(3, 6), commitFrom(6, 8)] }));
      await imaged(world, room, 6);
      expect(await room.advance(advanceWith({ commits: [commitFrom(8, 9)] }))).toMatchObject({ tail: 'appended' });
    });
    const { replica, damage } = await reload(world, place);
    expect(damage).toEqual([]);
    expect(replica?.image.position.version).toBe(6);
    expect(replica?.tail).toEqual([commitFrom(6, 8), commitFrom(8, 9)]);
  });

  it('[ST-9] an image of another history, schema or view takes the place of all', async () => {
    const world = make();
    for (const change of [{ historyId: 'history-2' }, { schemaId: 'schema-2' }, { view: 'members' }]) {
      const place = newPlace();
      await withRoom(world, place, async (room) => {
        await imaged(world, room, 5);
        await room.advance(advanceWith({ commits: [commitFrom(5, 9)] }));
        await imaged(world, room, 2, change);
      });
      expect((await reload(world, place)).replica).toMatchObject({ image: { position: positionAt(2, change) }, tail: [], tailBytes: 0 });
    }
  });
}

function migratedContract(make: () => StorageWorld): void {
  it('[ST-33] an image made of what was kept takes its place only where that is still there as it was', async () => {
    const world = make();
    const made = async (version: number, of: number) => ({
      ...(await imageAt(world, version, 1_000, { schemaId: 'schema-2' })),
      madeOf: { position: positionAt(of), version },
    });
    const cases = [
      { image: await made(5, 4), becomes: 'written' },
      { image: await made(4, 4), becomes: 'superseded' },
      { image: await made(5, 3), becomes: 'superseded' },
      { image: { ...(await made(5, 4)), madeOf: { position: positionAt(4, { hash: 'another' }), version: 5 } }, becomes: 'superseded' },
    ] as const;
    for (const { image, becomes } of cases) {
      const place = newPlace();
      await withRoom(world, place, async (room) => {
        await imaged(world, room, 4);
        await room.advance(advanceWith({ commits: [commitFrom(4, 5)] }));
        expect(await room.writeImage(image, await room.becomeImager())).toBe(becomes);
      });
      const { replica } = await reload(world, place);
      expect([replica?.image.position.schemaId, replica?.tail.length]).toEqual(becomes === 'written' ? ['schema-2', 0] : ['schema-1', 1]);
    }
  });
}

function imagerContract(make: () => StorageWorld): void {
  it('[ST-10] an imager that was superseded writes nothing more, and the older image of a history never comes back', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, (first) =>
      withRoom(world, place, async (second) => {
        const stale = await first.becomeImager();
        const current = await second.becomeImager();
        expect(await first.writeImage(await imageAt(world, 3), stale)).toBe('superseded');
        expect(await second.writeImage(await imageAt(world, 2), current)).toBe('written');
        expect(await second.writeImage(await imageAt(world, 2), current)).toBe('superseded');
        expect(await second.writeImage(await imageAt(world, 1), current)).toBe('superseded');
      }),
    );
    expect((await reload(world, place)).replica?.image.position.version).toBe(2);
  });

  it('[ST-10] one that is superseded or dies half-way leaves the image before', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, (first) =>
      withRoom(world, place, async (second) => {
        await imaged(world, first, 1);
        const imager = await first.becomeImager();
        const writing = first.writeImage(await imageAt(world, 2, 13_000_000), imager);
        await second.becomeImager();
        expect(await writing).toBe('superseded');
        const dying = await second.becomeImager();
        const ended = second.writeImage(await imageAt(world, 3, 13_000_000), dying);
        second.close();
        await expect(ended).rejects.toMatchObject({ code: 'closed' });
      }),
    );
    const { replica, damage } = await reload(world, place);
    expect(damage).toEqual([]);
    expect(replica?.image.position.version).toBe(1);
  });
}

function lostEndContract(make: () => StorageWorld): void {
  it('[ST-71] a lost end goes: what leads to the state that the room has stays, else nothing does but the outbox', async () => {
    const world = make();
    const cases = [
      { have: positionAt(5), image: 2, tail: [commitFrom(2, 3), commitFrom(3, 5)] },
      { have: positionAt(2), image: 2, tail: [] },
      { have: positionAt(7), image: 2, tail: [commitFrom(2, 3), commitFrom(3, 5), commitFrom(5, 7)] },
      { have: positionAt(5, { hash: 'another' }), image: null },
      { have: positionAt(2, { hash: 'another' }), image: null },
      { have: positionAt(4), image: null },
      { have: positionAt(1), image: null },
      { have: positionAt(9), image: null },
      { have: positionAt(5, { historyId: 'history-2' }), image: null },
    ];
    for (const { have, image, tail } of cases) {
      const place = newPlace();
      await withRoom(world, place, async (room) => {
        await room.enqueue(clientOf('a', { lastMutationId: 1 }), [mutationOf('a', 1)]);
        await imaged(world, room, 2);
        await room.advance(advanceWith({ commits: [commitFrom(2, 3), commitFrom(3, 5), commitFrom(5, 7)] }));
        await room.dropLost({ position: have });
      });
      const { replica, mutations, damage } = await reload(world, place);
      expect([replica?.image.position.version ?? null, replica?.tail]).toEqual([image, tail]);
      expect([mutations.length, damage]).toEqual([1, []]);
    }
  });

  it('[ST-71] an image under way when a lost end goes is not written, and what comes after it goes on the one that is there', async () => {
    const world = make();
    const place = newPlace();
    await withRoom(world, place, async (room) => {
      await imaged(world, room, 2);
      const stale = await room.becomeImager();
      await room.dropLost({ position: positionAt(2) });
      expect(await room.writeImage(await imageAt(world, 4), stale)).toBe('superseded');
      expect(await room.advance(advanceWith({ commits: [commitFrom(2, 3)] }))).toMatchObject({ tail: 'appended' });
    });
    expect((await reload(world, place)).replica?.tail).toEqual([commitFrom(2, 3)]);
  });
}
