import { AlcoveError } from '@alcove/core/error';
import { defineRoom } from '@alcove/core/schema/define-room';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { afterEach, describe, expect, it } from 'vitest';
import { CollectingLogger } from '../fake/collecting-logger.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { lists } from '../fake/tasks-room.ts';

const LISTS = 'SELECT id, name FROM lists ORDER BY id';

let world: EngineWorld;
afterEach(() => world.close());

describe('identities and rights', () => {
  it('[CN-13] waits for a token that is good, then goes on', async () => {
    let good = 'later';
    world = new EngineWorld({
      access: ({ token }) => (token === good ? { claims: { sub: 'ada' } } : new AlcoveError('unauthenticated', 'no')),
    });
    let token = 'early';
    const a = world.tab('a', { token: () => Promise.resolve(token) });
    await world.until(() => a.status.connection === 'needsAuth', 'it asks the app');
    expect(a.status.error?.code).toBe('unauthenticated');
    token = 'later';
    a.engine.hint('authChanged');
    await world.quiet();
    expect(a.status.user).toEqual({ sub: 'ada' });
    good = 'another';
    world.server.cut();
    await world.until(() => a.status.connection === 'needsAuth', 'it asks again');
  });

  it('[CN-14] a room that lost the tail: pending mutations go on under a new name, none is lost or done twice', async () => {
    world = new EngineWorld();
    const a = world.tab('a');
    await world.quiet();
    a.watch('lists', LISTS);
    a.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    const backup = world.database.exportImage();
    a.mutate('addList', { id: 'l2', name: 'two' });
    a.mutate('addList', { id: 'l3', name: 'three' });
    await world.quiet();
    world.server.kill();
    await world.until(() => a.status.connection === 'waiting', 'the tab noticed');
    a.mutate('addList', { id: 'l4', name: 'four' });
    world.close();

    const restored = new EngineWorld({}, backup);
    world = restored;
    const page = restored.tab('a', { start: false });
    page.engine.adopt(
      [{ clientId: 'a', lastMutationId: 4, confirmed: 3, welcomed: 0 }],
      [{ clientId: 'a', mutationId: 4, name: 'addList', args: { id: 'l4', name: 'four' }, seed: 's', nowMs: 1 }],
    );
    page.engine.start();
    page.watch('lists', LISTS);
    await restored.quiet();
    expect(page.of('rekeyed')).toMatchObject([{ clientId: 'a', offset: 3, roomHas: 1 }]);
    expect(page.rows('lists')).toEqual([
      ['l1', 'one'],
      ['l4', 'four'],
    ]);
    expect(restored.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l4']]);
    const to = page.of('rekeyed')[0]?.to;
    expect(page.of('settled').map(({ clientId, mutationId, outcome }) => [clientId, mutationId, outcome])).toEqual([[to, 1, 'applied']]);
  });

  it('[CN-19] a server of an older build: the tab waits, says why, and tells the console once', async () => {
    world = new EngineWorld();
    const log = new CollectingLogger();
    const newer = defineRoom({ name: 'tasks', schema: { lists, other: sqliteTable('other', { id: text().primaryKey() }) }, mutators: {} });
    const a = world.tab('a', { room: newer, runtime: new FakeRuntime({ seed: 'a', time: world.time, log }) });
    await world.until(() => a.status.attempt > 3, 'it was tried several times');
    expect(a.status).toMatchObject({ connection: 'waiting', replica: 'pending', error: { code: 'room_outdated' } });
    expect(log.errors.map(({ message }) => message)).toEqual([expect.stringContaining('Restart the server')]);
  });

  it('[CN-15] a clean leave frees the client and says goodbye', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.engine.setPresence({ name: 'Ada' });
    await world.until(() => b.of('presence').some(({ entries }) => entries.length === 1), 'b sees a');
    a.engine.leave();
    await world.until(() => b.of('presence').some(({ entries }) => entries[0]?.state === null), 'a is gone');
    expect(() => a.mutate('addList', { id: 'x', name: 'x' })).toThrowError(expect.objectContaining({ code: 'closed' }));
    await expect(a.engine.runOnce({ sql: 'SELECT 1', params: [] })).rejects.toMatchObject({ code: 'closed' });
  });
});
