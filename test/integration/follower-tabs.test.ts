import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RelayWorld, stops, trip, until } from './relay-world.ts';

let world: RelayWorld;
beforeEach(() => {
  world = new RelayWorld();
});
afterEach(() => world.end());

/** Tabs on two followers, and one on the primary. */
async function three(id = 'japan') {
  const primary = await world.primary();
  await primary.rooms.create('trip', id);
  const followers = [await world.follower(primary.url), await world.follower(primary.url)];
  const urls = [...followers.map(({ url }) => url), primary.url];
  const rooms = urls.map((url) => world.client(url).room(trip, id));
  const [a, b, c] = rooms;
  if (a === undefined || b === undefined || c === undefined) throw new TypeError('three clients were made');
  return { primary, followers, rooms, a, b, c };
}

const rowsOf = (room: Awaited<ReturnType<typeof three>>['a']) => {
  const query = room.query((db) => db.select().from(stops).orderBy(stops.id));
  world.onEnd(query.subscribe(() => undefined));
  return query;
};

describe('tabs on followers', () => {
  it('[FO-10] see each other’s mutations: at once where they were called, then confirmed once, then everywhere', async () => {
    const { primary, rooms, a, b, c } = await three();
    const seen = rooms.map(rowsOf);
    await Promise.all(seen.map((query) => query.promise));
    const added = [a, b, c].map((room, at) => room.mutate.add({ id: `s${at}`, city: `city ${at}` }));
    await Promise.all(added.map((mutation) => mutation.local));
    await Promise.all(added.map((mutation) => mutation.confirmed));
    const all = [0, 1, 2].map((at) => ({ id: `s${at}`, city: `city ${at}`, count: 0 }));
    for (const query of seen) await until(() => expect(query.getSnapshot()).toMatchObject({ data: all, status: 'current' }));
    await Promise.all([a, b, c].flatMap((room) => Array.from({ length: 20 }, () => room.mutate.bump({ id: 's0' }).confirmed)));
    for (const query of seen) await until(() => expect(query.getSnapshot().data?.[0]).toMatchObject({ count: 60 }));
    expect(await primary.room(trip, 'japan').query((db) => db.select().from(stops))).toHaveLength(3);
    const refused = a.mutate.add({ id: 'x', city: 'Atlantis' });
    await expect(refused.confirmed).rejects.toMatchObject({ code: 'forbidden' });
    await until(() => expect(seen[0]?.getSnapshot().data).toHaveLength(3));
  });
});
