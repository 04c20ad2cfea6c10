import { afterEach, expect, it } from 'vitest';
import { EngineWorld } from '../fake/engine-world.ts';
import { FakeRuntime } from '../fake/fake-runtime.ts';
import { OFFLINE } from '../fake/kept-tabs.ts';

const YEAR_MS = 365 * 24 * 3_600_000;
const LISTS = 'SELECT id FROM lists ORDER BY rowid';

let world: EngineWorld;
afterEach(() => world.close());

it.each([
  ['a tab a year on', YEAR_MS, 0],
  ['a tab a year back', -YEAR_MS, 0],
  ['a room a year on', 0, YEAR_MS],
  ['a room a year back', 0, -YEAR_MS],
  ['both, apart', YEAR_MS, -YEAR_MS],
])('[CN-22] wall clocks that jump change no order, no presence, no wait, no session: %s', async (_name, tabMs, roomMs) => {
  world = new EngineWorld();
  const runtime = new FakeRuntime({ seed: 'a', time: world.time });
  const a = world.tab('a', { runtime });
  const b = world.tab('b');
  for (const page of [a, b]) page.watch('lists', LISTS);
  await world.quiet();
  a.engine.setPresence({ name: 'Ada' });
  a.mutate('addList', { id: '1', name: 'before' });
  await world.quiet();
  const session = a.status.sessionId;
  runtime.jumpWallTime(tabMs);
  world.runtime.jumpWallTime(roomMs);
  a.mutate('addList', { id: '2', name: 'after' });
  b.mutate('addList', { id: '3', name: 'of b' });
  await world.quiet();
  // Longer than any time-out, with heartbeats on both sides.
  await world.time.advanceAsync(120_000);
  await world.quiet();
  expect(a.status).toMatchObject({ connection: 'live', sessionId: session, attempt: 0 });
  expect(b.status.connection).toBe('live');
  expect(
    [a.rows('lists'), b.rows('lists')].map((rows) =>
      rows
        .flat()
        .map(String)
        .sort((x, y) => x.localeCompare(y)),
    ),
  ).toEqual([
    ['1', '2', '3'],
    ['1', '2', '3'],
  ]);
  expect(b.of('presence').flatMap(({ entries }) => entries.map(({ state }) => state))).toEqual([{ name: 'Ada' }]);
});

it('[CN-22] a backoff that has begun lasts as long as it would have', async () => {
  world = new EngineWorld();
  const runtime = new FakeRuntime({ seed: 'a', time: world.time });
  const a = world.tab('a', { ...OFFLINE, runtime });
  await world.until(() => a.status.attempt >= 3, 'it was tried');
  const before = a.status.attempt;
  for (const byMs of [YEAR_MS, -2 * YEAR_MS]) {
    runtime.jumpWallTime(byMs);
    const nowMs = runtime.nowMs();
    expect(a.status.retryAtMs ?? Number.NaN).toBeGreaterThanOrEqual(nowMs);
    expect(a.status.retryAtMs ?? Number.NaN).toBeLessThanOrEqual(nowMs + 15_000);
  }
  await world.until(() => a.status.attempt > before, 'it is tried again', 16_000);
});
