import { AlcoveError } from '@alcove/core/error';
import { afterEach, expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();
let restored: EngineWorld | null = null;
afterEach(() => {
  restored?.close();
  restored = null;
});

type OpenSocket = typeof kept.world.server.openSocket;

/** A tab of the group that is let into the room, and cut off, one by one. */
function tabWithSwitch(clientId: string) {
  let isOnline = true;
  const openSocket: OpenSocket = (...args) => (isOnline ? (restored ?? kept.world).server : OFFLINE).openSocket(...args);
  const page = kept.tab(clientId, { groupId: 'g', openSocket });
  page.watch('tags', 'SELECT tag, strength FROM tags ORDER BY tag');
  const becomes = (online: boolean): Promise<void> => {
    isOnline = online;
    if (online) page.engine.hint('online');
    else (restored ?? kept.world).server.cut();
    return kept.world.until(() => (page.status.connection === 'live') === online, `${clientId} is ${online ? 'online' : 'offline'}`);
  };
  return { page, becomes };
}

const tagOf = (page: EnginePage, tag: string): void => void page.mutate('tagTask', { taskId: 't1', tag });

/**
 * The page of `a` met a room that had lost what it had confirmed of it, goes on under another name, under which two were decided and one is pending, and died. The
 * disk knows the old name alone, with two pending; of the new one `heir`, which is offline, has heard.
 */
async function renamedByWordAlone() {
  const elsewhere = kept.world.tab('elsewhere');
  elsewhere.mutate('addList', { id: 'l1', name: 'one' });
  elsewhere.mutate('addTask', { id: 't1', listId: 'l1', title: 'x' });
  await kept.world.quiet();
  const backup = kept.world.database.exportImage();
  const [dead, heir] = [tabWithSwitch('a'), tabWithSwitch('heir')];
  dead.page.mutate('addList', { id: 'l2', name: 'to be lost' });
  await kept.world.quiet();
  for (const { page } of [dead, heir]) await kept.saved(page);
  kept.crash(elsewhere);
  await Promise.all([dead.becomes(false), heir.becomes(false)]);
  for (const tag of ['first', 'second']) tagOf(dead.page, tag);
  await kept.saved(dead.page);
  kept.world.server.kill();
  restored = new EngineWorld(
    { runtime: new FakeRuntime({ seed: 'restored', time: kept.world.time }), options: { adoptFile: true } },
    backup,
  );
  kept.browser.disk.fault = (doing) => (doing === 'rename' ? new AlcoveError('storage_failed', 'not now') : null);
  await dead.becomes(true);
  await kept.world.until(() => dead.page.settled.length === 3, 'both are decided');
  await dead.becomes(false);
  tagOf(dead.page, 'third');
  const renamed = dead.page.of('rekeyed')[0]?.to ?? '';
  await kept.world.until(() => heir.page.of('others').some(({ clientIds }) => clientIds.includes(renamed)), 'the heir has heard of it');
  kept.crash(dead.page);
  kept.browser.disk.fault = () => null;
  return { heir, renamed };
}

const onDisk = (table: 'clients' | 'mutations') => kept.browser.disk.rows(kept.place, table).length;

it.each([
  ['the older name first', (renamed: string) => ['a', renamed]],
  ['the newer name first', (renamed: string) => [renamed, 'a']],
  ['the older name alone', () => ['a']],
  ['the newer name alone', (renamed: string) => [renamed]],
])(
  '[OB-20] a client that was renamed is taken over once, under its newest name, and nothing of it is shown or done twice: %s',
  async (_what, asked) => {
    const { heir, renamed } = await renamedByWordAlone();
    expect([onDisk('clients'), onDisk('mutations')]).toEqual([1, 2]);
    for (const clientId of asked(renamed)) heir.page.engine.adoptStored(clientId);
    await kept.world.until(() => heir.page.of('adopted').length > 0, 'it is taken over');
    await kept.saved(heir.page);
    expect(heir.page.of('adopted').map(({ clientId, mutations }) => [clientId, mutations.map(({ mutationId }) => mutationId)])).toEqual([
      [renamed, [3]],
    ]);
    expect(heir.page.rows('tags')).toEqual([['third', 1]]);
    expect(onDisk('mutations')).toBe(1);
    await heir.becomes(true);
    await kept.world.until(() => heir.page.settled.length > 0, 'it is decided');
    await kept.world.time.advanceAsync(70_000);
    expect(heir.page.settled).toEqual(['3:applied']);
    const tags = [
      ['first', 1],
      ['second', 1],
      ['third', 1],
    ];
    expect(heir.page.rows('tags')).toEqual(tags);
    expect(restored?.server.rows('SELECT tag, strength FROM tags ORDER BY tag')).toEqual(tags);
    expect(heir.page.of('adopted')).toHaveLength(1);
    expect(onDisk('mutations')).toBe(0);
  },
);
