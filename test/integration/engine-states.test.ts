import { afterEach, describe, expect, it } from 'vitest';
import type { EnginePage } from '../fake/engine-page.ts';
import { EngineWorld } from '../fake/engine-world.ts';

let world: EngineWorld;
afterEach(() => world.close());

const value = (page: EnginePage, name: string, key = '') =>
  page.of('value').findLast((notice) => notice.name === name && notice.key === key);

describe('values between tabs', () => {
  it('[EP-19] a set is with the others at once, and written within its interval', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    for (const page of [a, b]) page.engine.watchValue('zoom', 'map');
    await world.time.advanceAsync(1);
    expect(value(a, 'zoom', 'map')).toMatchObject({ value: undefined, pending: false });
    a.engine.setValue('zoom', 'map', 3);
    await world.until(() => value(b, 'zoom', 'map')?.value === 3, 'b sees it', 200);
    expect(value(a, 'zoom', 'map')).toMatchObject({ value: 3, pending: true });
    expect(world.server.rows('SELECT value FROM alcove_values')).toEqual([]);
    await world.until(() => value(a, 'zoom', 'map')?.pending === false, 'it is written', 1_200);
    expect(world.server.rows('SELECT name, key, value FROM alcove_values')).toEqual([['zoom', 'map', '3']]);
    const read = b.engine.runOnce({ sql: 'SELECT value FROM alcove_values', params: [] });
    await world.time.advanceAsync(1);
    expect(await read).toMatchObject({ rows: [['3']] });
  });

  it('[EP-20] a server that dies before it wrote loses nothing a tab still knows; counters count once', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    for (const page of [a, b]) for (const name of ['zoom', 'likes']) page.engine.watchValue(name, '');
    a.engine.setValue('zoom', '', 7);
    a.engine.addToCounter('likes', '', 2);
    b.engine.addToCounter('likes', '', 3);
    await world.until(() => value(b, 'likes')?.value === 5 && value(a, 'likes')?.value === 5, 'both see the sum', 500);
    world.server.kill();
    await world.time.advanceAsync(500);
    world.server.start();
    a.engine.addToCounter('likes', '', 10);
    await world.until(
      () => [a, b].every((page) => value(page, 'likes')?.value === 15 && value(page, 'likes')?.pending === false),
      'all is written',
    );
    await world.until(() => value(a, 'zoom')?.pending === false, 'the value too');
    expect(world.server.rows('SELECT name, value FROM alcove_values ORDER BY name')).toEqual([
      ['likes', '15'],
      ['zoom', '7'],
    ]);
  });

  for (const isForgotten of [true, false])
    it(`[EP-25] adds nothing once more for a client whose mutations go by another name and that the room ${isForgotten ? 'forgot' : 'knows'}`, async () => {
      world = new EngineWorld();
      const before = world.tab('a');
      await world.quiet();
      before.engine.watchValue('likes', '');
      before.engine.addToCounter('likes', '', 5);
      await world.until(() => value(before, 'likes')?.counter?.written === 5, 'it is written');
      world.server.kill();
      before.engine.close();
      if (isForgotten) for (const table of ['alcove_clients', 'alcove_counters']) world.database.exec(`DELETE FROM ${table}`);
      world.server.start();

      const after = world.tab('a', { life: 2, start: false });
      after.engine.adopt([{ clientId: 'a~lost', lastMutationId: 1, confirmed: 1, welcomed: null }], []);
      after.engine.watchValue('likes', '');
      after.engine.restoreCounter('likes', '', { total: 7, written: 5 }, 1);
      after.engine.start();
      await world.until(() => world.server.rows('SELECT value FROM alcove_values')[0]?.[0] !== '5', 'what was added meanwhile is written');
      await world.until(() => value(after, 'likes')?.pending === false, 'the tab knows');
      expect(value(after, 'likes')).toMatchObject({ value: 7, counter: isForgotten ? { total: 2, written: 2 } : { total: 7, written: 7 } });
      expect(world.server.rows('SELECT value FROM alcove_values')).toEqual([['7']]);
    });

  it('[EP-17] presence and cursors come back with the connection', async () => {
    world = new EngineWorld();
    const [a, b] = [world.tab('a'), world.tab('b')];
    await world.quiet();
    a.engine.setPresence({ name: 'Ada' });
    a.engine.setCursor({ x: 1, y: 2 });
    a.engine.setEphemeral('typing', 'note', true);
    const seen = (): string[] =>
      [...b.of('presence'), ...b.of('cursors'), ...b.of('ephemeral')].filter(({ entries }) => entries.length === 1).map(({ type }) => type);
    await world.until(() => new Set(seen()).size === 3, 'b sees all three');
    expect(a.of('presence').flatMap(({ entries }) => entries)).toEqual([]);
    world.server.kill();
    b.notices.length = 0;
    world.server.start();
    await world.until(() => new Set(seen()).size === 3, 'and again');
  });

  it('[EP-23][EP-24] a full disk loses no value and no addition: what the room has no place for waits in the tab', async () => {
    world = new EngineWorld({ options: { limits: { unwrittenValueBytesMax: 2_000, unwrittenValueBytesHard: 9_000 } } });
    const a = world.tab('a');
    await world.quiet();
    const keys = Array.from({ length: 20 }, (_, index) => `${'k'.repeat(200)}${index}`);
    const names = ['zoom', 'likes'];
    for (const name of names) for (const key of keys) a.engine.watchValue(name, key);
    const disk = world.database.prepare('PRAGMA page_count').get()?.[0];
    world.database.prepare(`PRAGMA max_page_count = ${Number(disk)}`).all();
    for (const key of keys) {
      a.engine.setValue('zoom', key, 3);
      a.engine.addToCounter('likes', key, 2);
    }
    await world.time.advanceAsync(5_000);
    expect(world.server.room.stats.unwrittenValues).toBeGreaterThan(0);
    expect(world.server.room.stats.unwrittenValues).toBeLessThan(20);
    expect(a.of('stateRefused')).toEqual([]);
    for (const key of keys) expect(value(a, 'zoom', key)).toMatchObject({ value: 3 });
    expect(keys.some((key) => value(a, 'zoom', key)?.pending === true)).toBe(true);
    world.database.prepare('PRAGMA max_page_count = 1000000').all();
    for (const key of keys) a.engine.addToCounter('likes', key, 1);
    await world.until(() => names.every((name) => keys.every((key) => value(a, name, key)?.pending === false)), 'all is written');
    expect(world.server.rows('SELECT name, value, count(*) FROM alcove_values GROUP BY 1, 2 ORDER BY 1')).toEqual([
      ['likes', '3', 20],
      ['zoom', '3', 20],
    ]);
    expect(a.of('stateRefused')).toEqual([]);
  });

  it('[EP-21] what the room refuses is told', async () => {
    world = new EngineWorld({ access: () => ({ claims: null, allows: ({ kind }) => kind !== 'value' }) });
    const a = world.tab('a');
    await world.quiet();
    a.engine.watchValue('zoom', '');
    a.engine.setValue('zoom', '', 3);
    await world.until(() => a.of('stateRefused').length > 0, 'the refusal is told');
    expect(a.of('stateRefused')).toMatchObject([{ what: 'value', name: 'zoom', error: { code: 'forbidden' } }]);
    expect(value(a, 'zoom')).toMatchObject({ value: undefined, pending: false });
  });
});
