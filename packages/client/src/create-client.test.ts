import { defineRoom } from '@alcove/core/schema/define-room';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { createClient } from './create-client.ts';
import { createClient as createNodeClient } from './node/index.ts';
import { startWorker } from './worker/worker.ts';

const trip = defineRoom({ name: 'trip', schema: { stops: sqliteTable('stops', { id: text().primaryKey() }) } });
const invalid = (message: string): unknown => expect.objectContaining({ code: 'option_invalid', message });
/** As plain JavaScript may call it. */
const call =
  (run: (...given: never[]) => unknown, ...given: unknown[]): (() => unknown) =>
  () =>
    Reflect.apply(run, undefined, given);

describe('what a client cannot take', () => {
  const worker = (): never => expect.unreachable('no worker is made for options that are refused');

  it.each<[unknown, string]>([
    [undefined, 'createClient takes an object of options, and got undefined'],
    [{ urll: '/sync', worker }, 'createClient takes no "urll": did you mean url?'],
    [{ url: '/sync', worker, workerBudgetMS: 1 }, 'createClient takes no "workerBudgetMS": did you mean workerBudgetMs?'],
    [
      { url: '/sync', worker, rooms: [trip] },
      'createClient takes no "rooms": it takes url, user, auth, limits, worker, workerBudgetMs, storage, onOutdated',
    ],
    [{ worker }, 'url must be the address of the server, e.g. "/sync", and is undefined'],
    [{ url: '/sync' }, 'worker must be a function that makes the worker, and is undefined'],
    [{ url: '/sync', worker, storage: 'disk' }, 'storage must be "device" or "memory", and is "disk"'],
  ])('[WK-53] in a page: %j', (options, message) => {
    expect(call(createClient, options)).toThrow(invalid(message));
  });

  const url = 'ws://127.0.0.1:1/sync';
  it.each<[unknown, string]>([
    [undefined, 'createClient in Node takes an object of options, and got undefined'],
    [{ urll: url, rooms: [trip] }, 'createClient in Node takes no "urll": did you mean url?'],
    [{ url, rooms: [undefined] }, 'rooms lists definitions made by defineRoom, and holds undefined'],
    [
      { url, rooms: [trip], limits: { outboxMutationMax: 1 } },
      'limits.outboxMutationMax is not a limit of the client: did you mean outboxMutationsMax?',
    ],
    [{ url, rooms: [trip], auth: 'token' }, 'auth must be a function that gives the token, and is "token"'],
    [{ rooms: [trip] }, 'url is undefined; it must begin with ws:// or wss://'],
  ])('[WK-53] in Node: %j', (options, message) => {
    expect(call(createNodeClient, options)).toThrow(invalid(message));
  });

  it('[WK-53] a room without a definition or an id, and a worker without definitions', () => {
    const client = createNodeClient({ url, rooms: [trip], ...({ user: undefined, auth: undefined } as object) });
    const room = client.room.bind(client);
    expect(call(room, {}, 'x')).toThrow(invalid('room takes a definition made by defineRoom first, then an id, and got an object first'));
    expect(call(room, 'trip', 'x')).toThrow(expect.objectContaining({ message: expect.stringContaining('and got "trip" first') }));
    expect(call(room, undefined, 'x')).toThrow(expect.objectContaining({ code: 'option_invalid' }));
    for (const id of [undefined, 5, '', '.x'])
      expect(call(room, trip, id)).toThrow(
        expect.objectContaining({ code: 'room_id_invalid', message: expect.stringContaining('is no room id') }),
      );
    client.close();
    expect(call(startWorker, trip, { trip })).toThrow(invalid('startWorker takes definitions made by defineRoom, and got an object'));
  });

  it('[WK-56] two definitions of one name, and a room by another definition than its client in Node was made with', async () => {
    const other = defineRoom({ name: trip.name, schema: { places: sqliteTable('places', { id: text().primaryKey() }) } });
    const twice = `takes one definition of each name, and got two named “${trip.name}”`;
    expect(call(startWorker, trip, other)).toThrow(invalid(`startWorker ${twice}`));
    expect(call(createNodeClient, { url, rooms: [trip, other] })).toThrow(invalid(`createClient in Node ${twice}`));
    const client = createNodeClient({ url, rooms: [trip, trip] });
    const { status } = client.room(other, 'x');
    await expect.poll(() => status.getSnapshot().error?.code).toBe('option_invalid');
    client.close();
  });
});
