import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { stops, trip } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

describe('a server', () => {
  it('[HO-6][HO-27] takes a push from one client to the other, and both to the server’s own code', async () => {
    const server = await host.server();
    const one = await host.join(server.url, 'japan');
    const two = await host.join(server.url, 'japan');
    const result = await one.result(one.push('addStop', { id: 'a', city: 'Kyoto' }));
    expect(result).toMatchObject({ status: 'applied', version: 1 });
    expect(await two.heard('commit')).toMatchObject({ to: 1 });
    const { version } = await server.room(trip, 'japan').mutate.addStop({ id: 'b', city: 'Nara' });
    expect(version).toBe(2);
    await two.heard('commit', (message) => message['to'] === 2);
    const rows = await server.room(trip, 'japan').query((db) => db.select().from(stops).orderBy(stops.id));
    expect(rows).toEqual([
      { id: 'a', city: 'Kyoto', position: null },
      { id: 'b', city: 'Nara', position: null },
    ]);
  });
});
