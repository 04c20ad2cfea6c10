import { expect, test } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { EndSource } from './end-source.ts';
import { ReadPlaces } from './read-places.ts';

interface TakeOptions {
  readonly end?: EndSource;
  /** None: the server's own code. */
  readonly user?: string;
  readonly turnMs?: number;
}

function placesOf(count: number, queueMax = 3) {
  const runtime = new FakeRuntime();
  const order: string[] = [];
  let limit = count;
  const places = new ReadPlaces('r1', runtime, { queueMax, retryAfterMs: 700 }, () => limit);
  const take = (name: string, priority: 'high' | 'normal' | 'low', { end = new EndSource(), user, turnMs = 1_000 }: TakeOptions = {}) => {
    const done = places.take({ user, priority, waitMs: 1_000, turnMs }, end.signal).then(
      () => order.push(name),
      ({ code, limit: met }) => order.push(`${name}: ${code} ${met ?? ''}`.trim()),
    );
    return { end, done };
  };
  return { runtime, places, order, take, setLimit: (next: number) => (limit = next) };
}

test('[RD-29] of one user the urgent are let in first, equals in turn, and the least urgent of too many is sent away', async () => {
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
    places.leave(undefined);
    await runtime.advanceAsync(0);
  }
  expect(order.slice(3)).toEqual(['high 1', 'normal 1', 'normal 2']);
  expect([places.taken, places.queued]).toEqual([0, 0]);
});

test('[RD-29] who is less urgent than all who wait is sent away itself, with a time to come back', async () => {
  const { runtime, places, take, order } = placesOf(1, 1);
  void take('running', 'low');
  void take('first', 'normal');
  await expect(places.take({ priority: 'low', waitMs: 1_000, turnMs: 1_000 }, new EndSource().signal)).rejects.toMatchObject({
    code: 'overloaded',
    retryAfterMs: 700,
  });
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

test('[RD-38] whoever comes anew has the next place, however many and however urgent another user’s reads are', async () => {
  const { runtime, places, order, take } = placesOf(1, 100);
  for (let index = 0; index < 8; index++) void take(`flood ${index}`, 'normal', { user: 'mallory' });
  void take('ada 1', 'low', { user: 'ada' });
  void take('ada 2', 'normal', { user: 'ada' });
  void take('bo', 'low', { user: 'bo' });
  for (const user of ['mallory', 'ada', 'bo', 'mallory', 'ada']) {
    places.leave(user);
    await runtime.advanceAsync(0);
  }
  expect(order).toEqual(['flood 0', 'ada 2', 'bo', 'flood 1', 'ada 1', 'flood 2']);
});

test('[RD-38] who takes back all it waits for and asks again is no newcomer', async () => {
  const { runtime, places, order, take } = placesOf(1, 100);
  void take('mallory 1', 'normal', { user: 'mallory' });
  void take('ada 1', 'normal', { user: 'ada' });
  places.leave('mallory');
  await runtime.advanceAsync(0);
  places.leave('ada');
  void take('server', 'normal');
  void take('ada 2', 'normal', { user: 'ada' });
  void take('mallory 2', 'normal', { user: 'mallory' });
  places.leave(undefined);
  await runtime.advanceAsync(0);
  expect(order).toEqual(['mallory 1', 'ada 1', 'server', 'mallory 2']);
});

test('[RD-38] one user never has all of several places, the server’s own code may, and what that calls high goes before all', async () => {
  const { runtime, places, order, take, setLimit } = placesOf(3, 100);
  for (let index = 0; index < 4; index++) void take(`flood ${index}`, 'high', { user: 'mallory' });
  await runtime.advanceAsync(0);
  expect([order, places.taken, places.queued]).toEqual([['flood 0', 'flood 1'], 2, 2]);
  void take('ada', 'low', { user: 'ada' });
  void take('bo', 'normal', { user: 'bo' });
  void take('own', 'high');
  await runtime.advanceAsync(0);
  expect(order.slice(2)).toEqual(['ada']);
  places.leave('mallory');
  await runtime.advanceAsync(0);
  expect(order.slice(3)).toEqual(['own']);
  setLimit(6);
  places.admit();
  await runtime.advanceAsync(0);
  expect(order.slice(4)).toEqual(['bo', 'flood 2', 'flood 3']);
});

test('[RD-38] where too many wait one of who has the most of them is sent away, not who came last', async () => {
  const { runtime, places, order, take } = placesOf(1, 3);
  for (const name of ['running', 'flood 1', 'flood 2', 'flood 3']) void take(name, 'normal', { user: 'mallory' });
  void take('ada', 'low', { user: 'ada' });
  await runtime.advanceAsync(0);
  expect(order).toEqual(['running', 'flood 3: overloaded queueMax']);
  places.leave('mallory');
  await runtime.advanceAsync(0);
  expect(order.slice(2)).toEqual(['ada']);
});

test('[RD-29] whose turn is next when its time is over waits on for as long as a read may take; nobody else does', async () => {
  const { runtime, places, order, take } = placesOf(1, 100);
  for (const name of ['running', 'flood 1']) void take(name, 'normal', { user: 'mallory', turnMs: 6_000 });
  void take('ada', 'normal', { user: 'ada', turnMs: 6_000 });
  void take('bo', 'normal', { user: 'bo', turnMs: 6_000 });
  await runtime.advanceAsync(1_000);
  expect(order).toEqual(['running', 'flood 1: overloaded queueWaitMs', 'bo: overloaded queueWaitMs']);
  await runtime.advanceAsync(3_000);
  places.leave('mallory');
  await runtime.advanceAsync(0);
  expect(order.slice(3)).toEqual(['ada']);
  void take('carl', 'normal', { user: 'carl', turnMs: 6_000 });
  await runtime.advanceAsync(5_999);
  expect(order.slice(4)).toEqual([]);
  await runtime.advanceAsync(1);
  expect([order.slice(4), places.queued, runtime.time.pendingTimers]).toEqual([['carl: overloaded queueWaitMs'], 0, 0]);
});
