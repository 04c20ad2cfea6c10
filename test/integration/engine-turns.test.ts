import { afterEach, describe, expect, it } from 'vitest';
import { BusyRuntime } from '../fake/busy-runtime.ts';
import { EngineWorld } from '../fake/engine-world.ts';

let world: EngineWorld;
afterEach(() => world.close());

/** A tab on a machine where every look at the clock costs 3 ms of the 8 ms a turn may take. */
const slowTab = (clientId: string) => world.tab(clientId, { runtime: new BusyRuntime(3, { seed: clientId, time: world.time }) });

describe('long work', () => {
  it('[QR-13] many queries run over several turns, a mutation in between is shown before the rest', async () => {
    world = new EngineWorld();
    const page = slowTab('a');
    await world.quiet();
    page.watch('mine', 'SELECT count(*) FROM lists');
    await world.time.advanceAsync(50);
    const before = page.batches.length;
    for (let i = 0; i < 60; i++) page.watch(`q${i}`, 'SELECT ? + (SELECT count(*) FROM tasks)', [i]);
    world.time.step();
    page.mutate('addList', { id: 'l1', name: 'one' });
    const batches = () =>
      page.batches.slice(before).map((notices) => notices.filter((notice) => notice.type === 'query' && notice.update !== null));
    await world.until(() => page.queries.get('q59')?.status === 'current', 'all are there');
    expect(Math.max(...batches().map((batch) => batch.length))).toBeLessThan(20);
    expect(page.rows('mine')).toEqual([[1]]);
  });

  it('[QR-13] a snapshot goes in over several turns, and a mutation called meanwhile waits for none of them', async () => {
    world = new EngineWorld({ frameMs: 5, options: { limits: { snapshotChunkRowsMax: 5 } } });
    const writer = world.tab('writer');
    for (let i = 0; i < 200; i++) writer.mutate('addList', { id: `l${i}`, name: `n${i}` });
    await world.quiet();
    const page = slowTab('a');
    page.watch('count', 'SELECT count(*) FROM lists');
    await world.until(() => page.status.hydration?.phase === 'rows', 'rows arrive');
    page.mutate('addList', { id: 'mine', name: 'mine' });
    expect(page.status).toMatchObject({ replica: 'pending', pending: 1 });
    await world.quiet();
    expect(page.rows('count')).toEqual([[201]]);
    const steps = page.of('status').flatMap(({ status }) => (status.hydration?.phase === 'rows' ? [status.hydration.rows] : []));
    expect(new Set(steps).size).toBeGreaterThan(10);
    expect(page.settled).toEqual(['1:applied']);
  });

  it('[QR-14] a mutation is told to be settled behind the rows of every query it touched', async () => {
    world = new EngineWorld();
    const page = slowTab('a');
    await world.quiet();
    for (let i = 0; i < 30; i++) page.watch(`q${i}`, 'SELECT ?, name FROM lists', [i]);
    await world.time.advanceAsync(500);
    // The room rejects it, so its commit changes all thirty.
    page.mutate('tabOnly', { id: 'l1', name: 'one' });
    await world.until(() => page.settled.length === 1, 'it settled');
    expect(page.settled).toEqual(['1:forbidden']);
    for (let i = 0; i < 30; i++) expect(page.rows(`q${i}`)).toEqual([]);
    const settledIn = page.batches.findIndex((notices) => notices.some(({ type }) => type === 'settled'));
    const lastRows = page.batches.findLastIndex((notices) => notices.some((notice) => notice.type === 'query' && notice.update !== null));
    expect(settledIn).toBe(lastRows);
    expect(page.batches.slice(0, settledIn).filter((notices) => notices.some((notice) => notice.type === 'query')).length).toBeGreaterThan(
      5,
    );
  });

  it('a query of a page that went away holds up no settling', async () => {
    world = new EngineWorld();
    const page = slowTab('a');
    await world.quiet();
    for (let i = 0; i < 30; i++) page.watch(`q${i}`, 'SELECT ?, name FROM lists', [i]);
    await world.time.advanceAsync(500);
    page.mutate('addList', { id: 'l1', name: 'one' });
    for (let i = 0; i < 30; i++) page.engine.unwatch(`q${i}`);
    await world.until(() => page.settled.length === 1, 'it settled');
  });
});
