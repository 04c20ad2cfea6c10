import { mutator } from '@alcove/core/schema/define-mutator';
import { defineRoom } from '@alcove/core/schema/define-room';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Client } from '../../packages/client/src/client.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { wholePage } from '../fake/whole-page.ts';

const marks = sqliteTable('marks', { id: text().primaryKey(), times: integer().notNull().default(1) });
const args = v.object({ id: v.string() });
const room = defineRoom({
  name: 'marks',
  schema: { marks },
  mutators: {
    add: mutator(args, (tx, { id }) => {
      tx.insert(marks)
        .values({ id })
        .onConflictDoUpdate({ target: marks.id, set: { times: sql`${marks.times} + 1` } })
        .run();
    }),
    ensure: mutator(args, (tx, { id }) => void tx.insert(marks).values({ id }).onConflictDoNothing().run(), { idempotent: true }),
  },
});
const place = { server: 'ws://room', user: 'ann', roomName: 'marks', roomId: 'r1' };

let world: EngineWorld;
let browser: FakeBrowser;
const clients: Client[] = [];
beforeEach(() => {
  // A room that remembers a single client: whoever pushes next makes it forget the one before.
  world = new EngineWorld({ room, options: { limits: { clientsMax: 1 } } });
  browser = new FakeBrowser();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  world.close();
});

function page(seed: string, inBrowser = browser) {
  const made = wholePage(seed, { world, browser: inBrowser, room, place });
  clients.push(made.client);
  return made;
}

const connected = (one: ReturnType<typeof page>) =>
  world.until(() => one.room.status.getSnapshot().replica === 'current', 'it is connected');
const decided = (one: ReturnType<typeof page>) => world.until(() => one.room.undecided === 0, 'all is decided');

it('[OB-17] a client that the room forgot while it was away: idempotent ones have their effect once, the others are told with their arguments', async () => {
  const away = page('away');
  await connected(away);
  away.room.mutate.ensure({ id: 'first' });
  await decided(away);
  away.link.isUp = false;
  world.server.cut();
  const pending = [
    away.room.mutate.ensure({ id: 'a' }),
    away.room.mutate.add({ id: 'b' }),
    away.room.mutate.ensure({ id: 'c' }),
    away.room.mutate.add({ id: 'd' }),
  ];
  await Promise.all([...pending.map(({ local }) => local), world.time.advanceAsync(100)]);
  // A tab of the same browser would have the room remember what is pending beside it.
  const other = page('other', new FakeBrowser());
  await connected(other);
  for (let times = 0; times < 3; times += 1) {
    other.room.mutate.ensure({ id: `other ${times}` });
    await decided(other);
    await world.time.advanceAsync(60_000);
  }
  const before = away.room.clientId;
  away.link.isUp = true;
  away.room.reconnect();
  await decided(away);
  expect(pending.map(({ status }) => status)).toEqual(['applied', 'unknown', 'applied', 'unknown']);
  expect(away.room.clientId).not.toBe(before);
  expect(away.room.rejected.getSnapshot().map(({ name, args: given, error }) => [name, given, error?.code])).toEqual([
    ['add', { id: 'b' }, 'client_unknown'],
    ['add', { id: 'd' }, 'client_unknown'],
  ]);
  expect(world.server.rows('SELECT id, times FROM marks WHERE length(id) = 1 ORDER BY id')).toEqual([
    ['a', 1],
    ['c', 1],
  ]);
  await world.until(() => away.room.status.getSnapshot().storage === 'saved', 'all is on the disk');
  await world.time.advanceAsync(100);
  // What was told stands in the list of the next load of the page, too, and nothing is issued a third time.
  const next = page('next');
  await connected(next);
  await world.until(() => next.room.rejected.getSnapshot().length === 2, 'they are listed');
  expect(next.room.rejected.getSnapshot().map(({ name, status }) => [name, status])).toEqual([
    ['add', 'unknown'],
    ['add', 'unknown'],
  ]);
  expect(world.server.rows('SELECT max(times) FROM marks')).toEqual([[1]]);
});
