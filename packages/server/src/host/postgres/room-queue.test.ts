import { describe, expect, it } from 'vitest';
import { FakeRuntime } from '../../../../../test/fake/fake-runtime.ts';
import { MirroredRoom } from './mirrored-room.ts';
import { RoomQueue } from './room-queue.ts';

const runtime = new FakeRuntime();
const room = (id: string): MirroredRoom => new MirroredRoom({ name: 'trip', id }, runtime);

describe('[MI-12] turns of rooms', () => {
  it('go round: a room that always comes again has one where each of the others has one', () => {
    const queue = new RoomQueue();
    const rooms = ['busy', 'a', 'b', 'c'].map(room);
    for (const one of rooms) queue.add(one, 'now');
    const turns: string[] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      const taken = queue.take();
      turns.push(taken?.address.id ?? '');
      if (taken !== null) queue.add(taken, 'now');
    }
    for (const { address } of rooms) expect(turns.filter((id) => id === address.id)).toHaveLength(10);
  });

  it('what can wait has every fourth, and all where nothing else is', () => {
    const queue = new RoomQueue();
    for (const id of ['x', 'y', 'z']) queue.add(room(id), 'later');
    const busy = room('busy');
    const turns: string[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      queue.add(busy, 'now');
      turns.push(queue.take()?.address.id ?? '');
    }
    expect(turns).toEqual(['busy', 'busy', 'busy', 'x', 'busy', 'busy', 'busy', 'y']);
    expect([queue.take(), queue.take(), queue.take()].map((taken) => taken?.address.id)).toEqual(['busy', 'z', undefined]);
  });

  it('a room stands in line once, however often it is named', () => {
    const queue = new RoomQueue();
    const one = room('one');
    for (const when of ['later', 'now', 'later', 'now'] as const) queue.add(one, when);
    expect(queue.size).toBe(1);
    expect(queue.take()).toBe(one);
    expect(queue.take()).toBeNull();
  });
});

describe('a room that fails', () => {
  it('waits ever longer, five minutes at the most, until it is well', () => {
    const one = room('one');
    const failure = Object.assign(new Error('x'), { code: 'sql_failed' });
    const waits: number[] = [];
    for (let failures = 0; failures < 12; failures += 1) {
      one.failed(failure as never);
      waits.push(one.waitMs);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(500);
    expect(waits[0]).toBeLessThanOrEqual(1_000);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(150_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(300_000);
    one.succeeded();
    expect(one.waitMs).toBe(0);
    expect(one.figures()).toMatchObject({ errors: 12, error: null });
  });
});
