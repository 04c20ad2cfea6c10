import { expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { OFFLINE, useKeptTabs } from '../fake/kept-tabs.ts';

const kept = useKeptTabs();

const onDisk = (table: 'clients' | 'mutations' | 'rejections') => kept.browser.disk.rows(kept.place, table).length;

/** A page that was closed while its worker was busy: another tab has taken its client over, and it still lives. */
async function takenOverTooEarly(): Promise<{ worker: EnginePage; heir: EnginePage }> {
  const worker = kept.tab('a', OFFLINE);
  worker.mutate('addList', { id: 'l1', name: 'before' });
  await kept.saved(worker);
  const heir = kept.tab('b');
  await kept.world.until(() => heir.of('others').length > 0, 'what is pending is seen');
  heir.engine.adoptStored('a');
  await kept.world.until(() => heir.settled.length === 1, 'it is decided');
  return { worker, heir };
}

it('[TB-22] what the worker of a closed page writes after its client was taken over is taken over, too', async () => {
  const { worker, heir } = await takenOverTooEarly();
  worker.mutate('addList', { id: 'l2', name: 'after' });
  await kept.saved(worker);
  kept.crash(worker);
  await kept.world.until(() => heir.settled.length === 2, 'it is decided at the next look at the disk', 120_000);
  expect(heir.settled).toEqual(['1:applied', '2:applied']);
  expect(kept.world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
  await kept.shows(heir, 'l1', 'l2');
  expect(
    heir.of('adopted').map(({ lastMutationId, mutations }) => [lastMutationId, mutations.map(({ mutationId }) => mutationId)]),
  ).toEqual([
    [1, [1]],
    [2, [2]],
  ]);
});

it('[TB-22] nothing is kept of a client that was taken over and is done, while the tab that took it over lives', async () => {
  const { worker, heir } = await takenOverTooEarly();
  kept.crash(worker);
  await kept.world.until(() => onDisk('mutations') === 0 && onDisk('clients') === 0, 'the disk knows of no client any more', 120_000);
  heir.mutate('addList', { id: 'l2', name: 'own' });
  await kept.saved(heir);
  await kept.world.time.advanceAsync(120_000);
  expect(onDisk('clients')).toBe(1);
});

it('[TB-22] an older name of a client that a replaced worker goes on with is not taken over beside it, and leaves the disk', async () => {
  const worker = kept.tab('a', OFFLINE);
  worker.mutate('addList', { id: 'l1', name: 'once' });
  await kept.saved(worker);
  kept.crash(worker);
  const next = kept.tab('a', { life: 2, start: false });
  const mutation = { clientId: 'a~history', mutationId: 1, name: 'addList', args: { id: 'l1', name: 'once' }, seed: 's', nowMs: 1 };
  next.engine.adopt([{ clientId: 'a~history', lastMutationId: 1, confirmed: 0, welcomed: null }], [mutation]);
  next.engine.start();
  await kept.world.until(() => next.settled.length === 1, 'it is decided');
  await kept.world.until(() => onDisk('mutations') === 0, 'the older name is gone from the disk', 120_000);
  expect(next.settled).toEqual(['1:applied']);
  expect(next.of('others').flatMap(({ clientIds }) => clientIds)).toEqual([]);
});

it('[TB-22] what comes late of a client that the room knows no more is listed at once by the tab that took it over', async () => {
  const { worker, heir } = await takenOverTooEarly();
  heir.mutate('addList', { id: 'l0', name: 'own' });
  await kept.world.until(() => heir.settled.length === 2, 'the room knows the heir');
  kept.world.server.kill();
  kept.world.database.exec(`DELETE FROM alcove_clients WHERE client_id = 'a'`);
  kept.world.database.exec(`UPDATE alcove_meta SET value = 9 WHERE name = 'forgottenVersion'`);
  kept.world.server.start();
  worker.mutate('addList', { id: 'l2', name: 'after' });
  await kept.saved(worker);
  await kept.world.until(
    () => heir.of('clientStopped').some(({ clientId }) => clientId === 'a'),
    'the room does not know the client',
    120_000,
  );
  heir.engine.discard('a');
  worker.mutate('addList', { id: 'l3', name: 'later' });
  await kept.saved(worker);
  kept.crash(worker);
  const listed = (): string[] => heir.of('restored').flatMap(({ rejections }) => rejections.map(({ key }) => key));
  await kept.world.until(() => onDisk('rejections') === 2, 'both are put aside', 120_000);
  await kept.world.time.advanceAsync(1_000);
  // The page was told of the first one when its client was stopped.
  expect(listed()).toEqual(['a 3']);
  expect(heir.of('restored').at(-1)?.onDisk?.keys).toEqual(['a 2', 'a 3']);
});
