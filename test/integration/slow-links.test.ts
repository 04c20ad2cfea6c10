import { randomBytes } from 'node:crypto';
import { createClient } from '@alcove/client/node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { ThrottledProxy } from './throttled-proxy.ts';
import { stops, trip } from './trip-room.ts';

let host: HostFixture;
const ends: (() => void)[] = [];
beforeEach(() => {
  host = new HostFixture();
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await host.end();
});

it('[HO-30][HO-31][CN-18] a mutation and its commit that take several idle timeouts arrive over the sessions they were begun on', async () => {
  // Far less than the bytes below take; a client that is told nothing gives up after five seconds more.
  const { url } = await host.server({ limits: { heartbeatIntervalMs: 1_000, idleTimeoutMs: 4_000 } });
  const links = await Promise.all([0, 1].map(() => ThrottledProxy.open(url, 50_000)));
  const rooms = links.map((link) => {
    const client = createClient({ url: link.url, rooms: [trip] });
    ends.push(() => {
      client.close();
      link.close();
    });
    return client.room(trip, 'far');
  });
  const [writer, reader] = rooms;
  if (writer === undefined || reader === undefined) throw new TypeError('there are two');
  await vi.waitFor(() => expect(rooms.map((room) => room.status.getSnapshot().replica)).toEqual(['current', 'current']), {
    timeout: 20_000,
  });
  const city = randomBytes(640_000).toString('base64');
  const startMs = performance.now();
  await writer.mutate.addStop({ id: 'large', city }).confirmed;
  await vi.waitFor(async () => expect(await reader.read((db) => db.select({ id: stops.id }).from(stops))).toHaveLength(1), {
    timeout: 60_000,
  });
  expect(performance.now() - startMs).toBeGreaterThan(16_000);
  expect(links.map(({ connections }) => connections)).toEqual([1, 1]);
}, 90_000);
