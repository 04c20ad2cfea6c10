import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Client } from '../../packages/client/src/client.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeBrowser } from '../fake/fake-browser.ts';
import { FakeLocks } from '../fake/fake-locks.ts';
import { tasksRoom } from '../fake/tasks-room.ts';
import { wholePage } from '../fake/whole-page.ts';

const place = { server: 'ws://room', user: 'ann', roomName: 'tasks', roomId: 'r1' };

let world: EngineWorld;
let browser: FakeBrowser;
let locks: FakeLocks;
const clients: Client[] = [];
beforeEach(() => {
  world = new EngineWorld();
  browser = new FakeBrowser();
  locks = new FakeLocks();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  world.close();
});

function page(seed: string, isUp = true) {
  const own = locks.page();
  const made = wholePage(seed, { world, browser, room: tasksRoom, place, locks: own });
  made.link.isUp = isUp;
  clients.push(made.client);
  made.room.start();
  return {
    ...made,
    lists: made.room.query((db) => db.select().from(tasksRoom.schema.lists)),
    /** As a reload, or a tab that is closed. */
    die: () => {
      made.client.close();
      own.die();
    },
  };
}
type Page = ReturnType<typeof page>;

const until = (holds: () => boolean, what: string) => world.until(holds, what);
const names = ({ room }: Page) => room.pending.getSnapshot().map(({ name, args }) => [name, args]);
const connectionOf = ({ room }: Page) => room.status.getSnapshot().connection;
const onTheServer = () => world.server.rows('SELECT id FROM lists ORDER BY id').map(([id]) => id);

/** A tab without a network that has taken over what another one, gone now, called: it lists that as its own. */
async function holder(): Promise<Page> {
  const first = page('first');
  const stays = page('stays');
  await until(() => [first, stays].every((one) => connectionOf(one) === 'connected'), 'both are connected');
  for (const one of [first, stays]) one.room.disconnect();
  first.room.mutate.addList({ id: 'l1', name: 'of the first' });
  stays.room.mutate.addList({ id: 'l2', name: 'its own' });
  await until(() => first.room.unsaved + stays.room.unsaved === 0, 'it is on the disk');
  first.die();
  await until(() => names(stays).length === 2, 'it is taken over');
  return stays;
}

it('[TB-23] a tab that cannot send what a dead one left lets a tab go on with it that can', async () => {
  const stays = await holder();
  const next = page('next');
  await until(() => onTheServer().includes('l1'), 'what the first had called is there');
  expect(names(stays)).toEqual([['addList', { id: 'l2', name: 'its own' }]]);
  expect(onTheServer()).toEqual(['l1']);
  expect(world.time.nowMs).toBeLessThan(20_000);
  await until(() => next.room.undecided === 0, 'nothing is left');
  // What it called itself is its own to send, and is not lost on the way.
  stays.room.reconnect();
  await until(() => onTheServer().length === 2 && stays.room.undecided === 0, 'all is there');
  expect(await stays.lists.promise).toHaveLength(2);
  expect(world.server.rows('SELECT count(*) FROM lists')).toEqual([[2]]);
});

it('[TB-23] what it lets go is shown all the while, and listed as another tab’s', async () => {
  const stays = await holder();
  const shown = new Set<number | undefined>();
  stays.lists.subscribe(() => shown.add(stays.lists.getSnapshot().data?.length));
  world.server.silence('up');
  const next = page('next');
  await until(() => names(next).length === 1, 'another tab has it');
  await until(() => stays.room.pendingElsewhere.getSnapshot().length === 1, 'which the one before lists');
  expect(names(stays)).toHaveLength(1);
  expect([...shown].every((count) => count === 2)).toBe(true);
});

it('[TB-23] nobody lets go what nobody could send, nor what it is sending itself', async () => {
  const stays = await holder();
  const offline = page('offline', false);
  await world.time.advanceAsync(30_000);
  expect(names(stays)).toHaveLength(2);
  expect(names(offline)).toEqual([]);
  stays.room.reconnect();
  page('late');
  await until(() => onTheServer().length === 2, 'all is there');
  expect(world.server.rows('SELECT count(*) FROM lists')).toEqual([[2]]);
});
