import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HostFixture } from './host-fixture.ts';
import { trip } from './trip-room.ts';

let host: HostFixture;
beforeEach(() => {
  host = new HostFixture();
});
afterEach(() => host.end());

const refused = (message: string) =>
  expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(message) as unknown });
/** As plain JavaScript calls it. */
const call = (of: object, name: string, ...given: unknown[]): unknown => Reflect.apply(Reflect.get(of, name), of, given);

it('[HO-35] a room is asked for by its definition or its name, and nothing else', async () => {
  const server = await host.server();
  const wrong: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    [{ name: 'trip' }, 'an object'],
    [7, 'a number'],
  ];
  for (const [given, kind] of wrong)
    expect(() => call(server, 'room', given, 'japan')).toThrow(refused(`made by defineRoom, or its name, and got ${kind}`));
  expect(() => call(server, 'room', trip)).toThrow(expect.objectContaining({ code: 'room_id_invalid' }));
});

it('[HO-35] attach takes an HTTP server and a path', async () => {
  const server = await host.server();
  const http = createServer();
  expect(() => call(server, 'attach')).toThrow(refused('an HTTP server, and got undefined'));
  expect(() => call(server, 'attach', { port: 80 })).toThrow(refused('an HTTP server, and got an object'));
  expect(() => call(server, 'attach', http, null)).toThrow(refused('server.attach takes an object of options, and got null'));
  expect(() => call(server, 'attach', http, { pth: '/sync' })).toThrow(refused('server.attach takes no "pth": did you mean path?'));
  expect(() => call(server, 'attach', http, { path: 7 })).toThrow(refused('path must look like /sync'));
  server.attach(http, {});
});

it('[HO-35] a call of the server’s own code with an option that nobody reads does nothing', async () => {
  const server = await host.server();
  const { mutate } = server.room(trip, 'japan');
  const stop = { id: 'a', city: 'Kyoto' };
  await expect(call(mutate, 'addStop', stop, { idempotencykey: 'once' })).rejects.toEqual(
    refused('mutate.addStop takes no "idempotencykey": did you mean idempotencyKey?'),
  );
  await expect(call(mutate, 'addStop', stop, 'once')).rejects.toEqual(refused('mutate.addStop takes an object of options'));
  expect(await mutate.addStop(stop)).toEqual({ version: 1 });
});

it('[HO-35] rooms are not listed and made for everybody where the user is misspelt', async () => {
  const { rooms } = await host.server();
  await expect(call(rooms, 'list', 'trip', { usr: null })).rejects.toEqual(refused('rooms.list takes no "usr": did you mean user?'));
  await expect(call(rooms, 'create', 'trip', 'japan', { User: null })).rejects.toEqual(
    refused('rooms.create takes no "User": did you mean user?'),
  );
  expect(await rooms.list('trip', { prefix: '' })).toEqual([]);
});
