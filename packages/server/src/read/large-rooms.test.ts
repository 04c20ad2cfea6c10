import { describe, expect, test } from 'vitest';
import { FakeRuntime } from '../../../../test/fake/fake-runtime.ts';
import { fleet } from '../../../../test/fake/routed-reads.ts';
import { LargeRooms } from './large-rooms.ts';
import { UncomparedRooms } from './uncompared-rooms.ts';

const room = (id: string) => ({ name: 'trip', id });

describe('[RD-98] a room that is too large for the time of a look', () => {
  test('holds up no other: those after it are compared by the same look, those that come later by theirs', async () => {
    const { reads, a, own, of } = await fleet({ limits: { breakerOpenMs: 1_000 } });
    a.digestMs.set('large', 3_600_000);
    own?.digestMs.set('large', 3_600_000);
    for (const id of ['large', 'r1', 'r2']) await reads.answerers(2, { room: id });
    await reads.look('a');
    expect(of('a')).toMatchObject({
      compared: { same: 2, late: 1, unsure: 0 },
      toCompare: 0,
      uncompared: { count: 1, rooms: [{ room: room('large'), tries: 1, reason: expect.stringContaining('query_timeout') }] },
    });
    // From now on it has turns of its own: a look with it under way compares the others within a moment.
    for (let look = 0; look < 6; look++) {
      await reads.runtime.advanceAsync(30_000);
      await reads.answerers(2, { room: 'large' });
      await reads.answerers(2, { room: `later-${look}` });
      const sinceMs = reads.runtime.monotonicMs();
      await reads.look('a');
      expect(reads.runtime.monotonicMs() - sinceMs).toBeLessThan(100);
      expect(of('a')).toMatchObject({ compared: { same: 3 + look }, toCompare: 0 });
    }
  });

  test('is told with since when and how often it was tried, is tried less and less often, and stays in', async () => {
    const { reads, a, of } = await fleet();
    a.digestMs.set('large', 3_600_000);
    await reads.answerers(2, { room: 'large' });
    const sinceMs = reads.runtime.nowMs();
    await reads.look('a');
    const tries: number[] = [];
    for (let hour = 0; hour < 4; hour++) {
      await reads.runtime.advanceAsync(3_600_000);
      tries.push(of('a')?.uncompared.rooms[0]?.tries ?? 0);
    }
    const [first] = of('a')?.uncompared.rooms ?? [];
    expect((first?.sinceMs ?? 0) - sinceMs).toBeLessThan(30_000);
    expect(tries[0]).toBeGreaterThan(4);
    expect(tries[0]).toBeLessThan(9);
    expect((tries[3] ?? 0) - (tries[2] ?? 0)).toBeLessThan(3);
    expect(of('a')).toMatchObject({ isUp: true, wrong: [] });
    expect((await reads.answerers(4)).filter((id) => id === 'a')).toHaveLength(2);
  });

  test('is compared in the end, with more time at each turn, and found wrong where it is', async () => {
    const { reads, a, own, of } = await fleet();
    a.resyncs = 'change nothing';
    for (const replica of [a, own]) replica?.digestMs.set('large', 70_000);
    await reads.answerers(2, { room: 'large' });
    await reads.look('a');
    expect(of('a')?.uncompared.count).toBe(1);
    await reads.runtime.advanceAsync(1_200_000);
    expect(of('a')).toMatchObject({ uncompared: { count: 0 }, compared: { same: 1 }, wrong: [] });
    a.isPoisoned = true;
    await reads.answerers(2, { room: 'large' });
    await reads.runtime.advanceAsync(1_200_000);
    expect(of('a')).toMatchObject({ wrong: [{ room: room('large') }] });
    // It is let in again by a turn that finds it right.
    a.isPoisoned = false;
    await reads.runtime.advanceAsync(3_600_000);
    expect(of('a')).toMatchObject({ wrong: [], uncompared: { count: 0 } });
  });

  test('is compared at once, with as much time as there is, where it is asked for', async () => {
    const { reads, a, own, of } = await fleet();
    for (const replica of [a, own]) replica?.digestMs.set('large', 150_000);
    await reads.during(reads.router.check('a', room('large')));
    expect(of('a')).toMatchObject({ uncompared: { count: 0 }, compared: { same: 1, late: 0 } });
  });

  test('pays for itself: it waits for as many looks as have its rows', () => {
    const runtime = new FakeRuntime();
    const large = new LargeRooms(runtime, { checkIntervalMs: 1_000, compareRowsMax: 1_000 });
    expect(large.answered(room('a'))).toBe(false);
    large.late(room('a'));
    expect(large.answered(room('a'))).toBe(true);
    runtime.advance(1_999);
    expect(large.turn()).toBeUndefined();
    runtime.advance(1);
    expect(large.turn()).toEqual({ room: room('a'), timeoutMs: 20_000 });
    large.compared(room('a'), 50_000);
    runtime.advance(60_000);
    expect(large.turn()).toBeUndefined();
    large.answered(room('a'));
    expect(large.turn()).toEqual({ room: room('a'), timeoutMs: 20_000 });
    large.compared(room('a'), 50_000);
    large.answered(room('a'));
    runtime.advance(49_999);
    expect(large.turn()).toBeUndefined();
    runtime.advance(1);
    expect(large.turn()?.room).toEqual(room('a'));
    for (let time = 0; time < 9; time++) large.late(room('a'));
    runtime.advance(3_600_000);
    expect(large.turn()).toEqual({ room: room('a'), timeoutMs: 200_000 });
  });

  test('is one of a thousand at the most', () => {
    const runtime = new FakeRuntime();
    const large = new LargeRooms(runtime, { checkIntervalMs: 1_000, compareRowsMax: 1_000 });
    const uncompared = new UncomparedRooms(runtime);
    for (let index = 0; index <= 1_000; index++) {
      large.late(room(`r${index}`));
      uncompared.failed(room(`r${index}`), 'late');
    }
    expect([large.answered(room('r0')), large.answered(room('r1'))]).toEqual([false, true]);
    expect([uncompared.size, uncompared.list(2).map(({ room: { id } }) => id)]).toEqual([1_000, ['r1', 'r2']]);
  });
});
