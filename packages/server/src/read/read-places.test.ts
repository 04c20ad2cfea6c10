import { expect, test } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { EndSource } from './end-source.ts';
import { ReadPlaces } from './read-places.ts';

function placesOf(count: number, queueMax = 3) {
  const runtime = new FakeRuntime();
  const order: string[] = [];
  let limit = count;
  const places = new ReadPlaces('r1', runtime, { queueMax, retryAfterMs: 700 }, () => limit);
  const take = (name: string, priority: 'high' | 'normal' | 'low', end = new EndSource()) => {
    const done = places.take(priority, 1_000, end.signal).then(
      () => order.push(name),
      ({ code, limit: met }) => order.push(`${name}: ${code} ${met ?? ''}`.trim()),
    );
    return { end, done };
  };
  return { runtime, places, order, take, setLimit: (next: number) => (limit = next) };
}

test('[RD-29] the urgent are let in first, equals in turn, and the least urgent of too many is sent away', async () => {
  const { runtime, places, order, take } = placesOf(1);
  const names = [
    ['running', 'normal'],
    ['low 1', 'low'],
    ['normal 1', 'normal'],
    ['low 2', 'low'],
    ['high 1', 'high'],
    ['normal 2', 'normal'],
  ] as const;
  for (const [name, priority] of names) void take(name, priority);
  await runtime.advanceAsync(0);
  expect(order).toEqual(['running', 'low 2: overloaded queueMax', 'low 1: overloaded queueMax']);
  expect([places.taken, places.queued, places.sentAway]).toEqual([1, 3, 2]);
  for (let index = 0; index < 4; index++) {
    places.leave();
    await runtime.advanceAsync(0);
  }
  expect(order.slice(3)).toEqual(['high 1', 'normal 1', 'normal 2']);
  expect([places.taken, places.queued]).toEqual([0, 0]);
});

test('[RD-29] who is less urgent than all who wait is sent away itself, with a time to come back', async () => {
  const { runtime, places, take, order } = placesOf(1, 1);
  void take('running', 'low');
  void take('first', 'normal');
  await expect(places.take('low', 1_000, new EndSource().signal)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 700 });
  await runtime.advanceAsync(0);
  expect(order).toEqual(['running']);
});

test('nobody waits longer than said, or than somebody cares', async () => {
  const { runtime, places, order, take } = placesOf(1);
  void take('running', 'normal');
  const { end } = take('ended', 'high');
  void take('late', 'high');
  end.end();
  end.end();
  await runtime.advanceAsync(999);
  expect(order).toEqual(['running', 'ended: closed']);
  await runtime.advanceAsync(1);
  expect(order[2]).toBe('late: overloaded queueWaitMs');
  expect([places.taken, places.queued, runtime.time.pendingTimers]).toEqual([1, 0, 0]);
});

test('more places let more in', async () => {
  const { runtime, places, order, take, setLimit } = placesOf(1);
  for (const name of ['1', '2', '3']) void take(name, 'normal');
  setLimit(3);
  places.admit();
  await runtime.advanceAsync(0);
  expect([order, places.taken]).toEqual([['1', '2', '3'], 3]);
});
