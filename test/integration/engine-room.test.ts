import { afterEach, describe, expect, it } from 'vitest';
import { EngineWorld } from '../fake/engine-world.ts';

const LISTS = 'SELECT id, name FROM lists ORDER BY id';

let world: EngineWorld;
afterEach(() => world.close());

describe('two tabs and a room', () => {
  it('[RB-8] a mutation shows at once, settles with its rows, and is seen by the other tab', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.watch('lists', LISTS);
    b.watch('lists', LISTS);
    a.mutate('addList', { id: 'l1', name: 'one' });
    world.time.advance(0);
    expect(a.rows('lists')).toEqual([['l1', 'one']]);
    expect(a.settled).toEqual([]);
    await world.quiet();
    expect(a.settled).toEqual(['1:applied']);
    expect(b.rows('lists')).toEqual([['l1', 'one']]);
    expect(a.of('query').filter(({ update }) => update !== null)).toHaveLength(2);
    expect(a.status).toMatchObject({ version: 1, headVersion: 1, pending: 0, replica: 'current' });
  });

  it('[RB-9] a rejected mutation is told with its reason, undone, and holds up none behind it', async () => {
    world = new EngineWorld();
    const a = world.tab('a');
    await world.quiet();
    a.watch('lists', LISTS);
    a.mutate('tabOnly', { id: 'l1', name: 'mine' });
    a.mutate('addList', { id: 'l2', name: 'two' });
    world.time.advance(0);
    expect(a.rows('lists')).toHaveLength(2);
    await world.quiet();
    expect(a.settled).toEqual(['1:forbidden', '2:applied']);
    expect(a.rows('lists')).toEqual([['l2', 'two']]);
    expect(a.status.rejected).toBe(1);
    const batch = a.batches.find((notices) => notices.some((notice) => notice.type === 'settled' && notice.outcome === 'rejected'));
    expect(batch?.some((notice) => notice.type === 'query' && notice.update !== null)).toBe(true);
    await world.until(() => world.server.heard.some(({ type }) => type === 'heard'), 'the rejection was heard');
  });

  it('[RB-10] what was done before there is a replica, and while offline, is shown and arrives once', async () => {
    world = new EngineWorld();
    const a = world.tab('a', { start: false });
    a.watch('lists', LISTS);
    expect(a.queries.get('lists')).toMatchObject({ status: 'pending', rows: [] });
    a.mutate('addList', { id: 'l1', name: 'one' });
    expect(() => a.mutate('addList', { id: 7 })).toThrowError(expect.objectContaining({ code: 'arguments_invalid' }));
    expect(a.rows('lists')).toEqual([]);
    a.engine.start();
    await world.quiet();
    expect(a.rows('lists')).toEqual([['l1', 'one']]);
    world.server.kill();
    await world.until(() => a.status.connection === 'waiting', 'the tab noticed');
    a.mutate('addList', { id: 'l2', name: 'two' });
    expect(a.queries.get('lists')).toMatchObject({
      status: 'cached',
      rows: [
        ['l1', 'one'],
        ['l2', 'two'],
      ],
    });
    world.server.start();
    await world.quiet();
    expect(a.settled).toEqual(['1:applied', '2:applied']);
    expect(world.server.rows('SELECT id FROM lists ORDER BY id')).toEqual([['l1'], ['l2']]);
    expect(a.queries.get('lists')).toMatchObject({ status: 'current' });
  });

  it('[CN-10][OB-4] a lost answer is asked for again and gives the first result', async () => {
    world = new EngineWorld();
    const a = world.tab('a');
    await world.quiet();
    world.server.silence('down');
    a.mutate('addList', { id: 'l1', name: 'one' });
    a.mutate('tabOnly', { id: 'l2', name: 'two' });
    await world.until(() => world.server.rows('SELECT 1 FROM lists').length === 1, 'the room took it');
    expect(a.settled).toEqual([]);
    await world.quiet();
    expect(a.settled).toEqual(['1:applied', '2:forbidden']);
    expect(world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
    expect(world.server.connections).toBe(1);
    const pushed = world.server.heard.flatMap(({ message }) => (message?.type === 'push' ? message.mutations : []));
    expect(pushed.map(({ mutationId }) => mutationId)).toEqual([1, 2]);
  });

  it('[CN-2] notices a room that hears nothing and one that is not heard', async () => {
    for (const direction of ['up', 'down'] as const) {
      world = new EngineWorld();
      const a = world.tab('a');
      await world.quiet();
      world.server.silence(direction);
      a.mutate('addList', { id: 'l1', name: 'one' });
      await world.until(() => a.settled.length === 1, `${direction}: the mutation settled`, 120_000);
      expect(world.server.rows('SELECT id FROM lists')).toEqual([['l1']]);
      world.close();
    }
  });

  it('[CN-11] resumes from its version: no second snapshot, nothing told twice', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.watch('lists', LISTS);
    world.server.cut();
    await world.until(() => a.status.connection === 'waiting' && b.status.connection !== 'live', 'both noticed');
    b.mutate('addList', { id: 'l1', name: 'one' });
    await world.quiet();
    expect(a.rows('lists')).toEqual([['l1', 'one']]);
    const hellos = world.server.heard
      .filter(({ type }) => type === 'hello')
      .map(({ message }) => (message?.type === 'hello' ? message.resume : null));
    expect(hellos.filter((resume) => resume === null)).toHaveLength(2);
    expect(a.of('status').some(({ status }) => status.hydration !== null && status.version !== null)).toBe(false);
  });

  it('commits of many mutations at once are rebased together', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    b.watch('lists', LISTS);
    for (let i = 0; i < 300; i++) a.mutate('addList', { id: `l${String(i).padStart(3, '0')}`, name: `n${i}` });
    await world.quiet();
    expect(b.rows('lists')).toHaveLength(300);
    expect(a.settled).toHaveLength(300);
    expect(b.of('query').length).toBeLessThan(20);
    expect(world.server.heard.filter(({ type }) => type === 'push').length).toBeLessThan(20);
  });
});

describe('reads', () => {
  it('[QR-12] a single read waits for the first replica; what it may not do is refused', async () => {
    world = new EngineWorld();
    const a = world.tab('a', { start: false });
    const early = a.engine.runOnce({ sql: 'SELECT count(*) AS n FROM lists', params: [] });
    const wrong = a.engine.runOnce({ sql: 'DELETE FROM lists', params: [] });
    const refusal = wrong.then(
      () => 'it ran',
      (error: unknown) => error,
    );
    a.mutate('addList', { id: 'l1', name: 'one' });
    a.engine.start();
    await world.quiet();
    expect(await early).toEqual({ columns: ['n'], rows: [[1]] });
    expect(await refusal).toMatchObject({ code: 'query_invalid' });
  });
});
